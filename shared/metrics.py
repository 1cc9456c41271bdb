"""What Prometheus can read of any service; services add their own beside."""

from prometheus_client import Counter, Gauge, Histogram

OUTBOX_PUBLISHED = Counter("mednum_outbox_published_total", "Outbox rows sent to Kafka")
OUTBOX_REFUSED = Counter("mednum_outbox_refused_total", "Outbox rows that can never be sent")
OUTBOX_PENDING = Gauge("mednum_outbox_pending", "Outbox rows due and not yet sent")
OUTBOX_OLDEST = Gauge("mednum_outbox_oldest_seconds", "Age of the oldest row due and not sent")
TIMER_LATENESS = Histogram(
    "mednum_timer_lateness_seconds",
    "From a timer's time to its message",
    buckets=(0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 600, 3600),
)
HANDLED = Counter("mednum_events_handled_total", "Events whose effects are there", ["type"])
DUPLICATES = Counter("mednum_events_duplicate_total", "Events seen before, without effect")
RETRIES = Counter("mednum_events_retried_total", "Attempts that failed and were repeated")
DEAD_LETTERS = Counter("mednum_dead_letters_total", "Messages parked", ["topic"])
CONSUMER_LAG = Gauge("mednum_consumer_lag", "Messages not yet read (right on Kafka only)")
