"""Our murmur2 is Kafka's: keys of other clients fall into the same partitions."""

from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2 as kafka_murmur2

from services.identity.adapters.kafka.partitioner import kafka_partition_of, murmur2


@given(st.binary(max_size=40))
def test_it_agrees_with_the_client(data: bytes) -> None:
    assert murmur2(data) == kafka_murmur2(data)


def test_it_agrees_with_the_java_client() -> None:
    # Kafka's own test: org.apache.kafka.common.utils.UtilsTest, as unsigned numbers.
    known = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536}
    assert {data: murmur2(data) for data in known} == {
        data: number & 0xFFFFFFFF for data, number in known.items()
    }


def test_partitions_are_within_the_topic() -> None:
    assert {kafka_partition_of(str(key).encode(), 3) for key in range(50)} == {0, 1, 2}
