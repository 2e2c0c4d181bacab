"""`plait bench`: how fast the product is on this machine. It prints figures and judges none."""
