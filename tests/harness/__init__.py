"""What the tests run on: real servers, the services as processes, and people's tools."""

from tests.harness.servers import Servers
from tests.harness.system import System, eventually

__all__ = ["Servers", "System", "eventually"]
