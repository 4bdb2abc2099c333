"""The outside world where it really differs: photos, push. A Protocol, the real one, a fake."""
