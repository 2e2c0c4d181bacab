# The image of a home; everything of requirements.lock is installed, pinned by hash.
#   docker build --file infra/docker/service.Dockerfile --tag plait .
#   docker run --network host --volume plait:/var/lib/plait plait up
FROM python:3.11-slim AS build
WORKDIR /build
COPY requirements.lock ./
RUN python -m venv /opt/plait \
 && /opt/plait/bin/pip install --no-cache-dir --require-hashes --requirement requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY services services
COPY schemas schemas
RUN /opt/plait/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.11-slim
ENV PATH=/opt/plait/bin:$PATH PLAIT_HOME=/var/lib/plait PYTHONUNBUFFERED=1
RUN useradd --system --create-home --home-dir /var/lib/plait plait
COPY --from=build /opt/plait /opt/plait
USER plait
VOLUME /var/lib/plait
EXPOSE 8400 8401 8402
HEALTHCHECK --interval=10s --start-period=30s CMD ["plait", "status"]
ENTRYPOINT ["plait"]
CMD ["up"]
