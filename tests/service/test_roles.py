"""Each part of a service runs alone: an api, a relay and a consumer as three processes."""

from tests.harness import Servers, System, eventually
from tests.harness.stories import NOBODY, Person, applied, decide, new_venue, propose


def test_api_relay_and_consumer_apart(servers: Servers) -> None:
    system = System(servers, services=("directory", "moderation"), ROLES="api")
    parts = [
        system.replica(service, ROLES=role)
        for service in ("directory", "moderation")
        for role in ("relay", "consumer")
    ]
    try:
        system.start()
        for part in parts:
            part.start()
        for part in parts:
            eventually(part.ready)
        venue, _ = new_venue(system, **NOBODY)
        proposal = propose(system, Person("zoe"), venue, horaires="Mo-Sa 10:00-18:00")
        decide(system, proposal, "approve")
        assert applied(system, venue, 2)["fiche"]["horaires"] == "Mo-Sa 10:00-18:00"
    finally:
        for part in parts:
            part.stop()
        system.stop()
