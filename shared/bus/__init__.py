"""Events over Kafka: at least once on the wire, once in effect."""
