"""Reads a plant's tags from an OPC UA server that is a historian or an aggregation server: a subscription, never a write.

Three things make it passive: `opcua_guard.py` lets no request out that could change anything; `sources/opcua/server_kind.py` refuses
a server that is a controller, from what it says before and after a session is open; and the settings refuse controllers' ports.

What the server showed while there was no connection is not fetched later: a gap stays a gap, and is told as one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec

from tocsin.config.plant_source_opcua import OpcUa
from tocsin.engine.plant.collectors.interface import Deliver, SourceLost
from tocsin.records.errors import OperatorError, TocsinError


@dataclass(slots=True)
class OpcUaCollector:
    """Satisfies `Collector`.

    Attributes:
        settings: Where, what, and as whom.
        tell: Takes sentences for the operator: tags that are missing, changes that the server dropped. What the last connection
            told is not told again by the next.
    """

    settings: OpcUa
    tell: Callable[[str], None]
    _told: set[str] = field(default_factory=set, repr=False)

    async def read(self, deliver: Deliver, mark: str) -> None:  # noqa: ARG002  a subscription begins with now
        """Hands on the present value of every tag, then every change, until it is cancelled.

        Raises:
            SourceLost: the server cannot be reached, or fell silent.
            OperatorError: it is a controller, shows none of the nodes, refuses the user, or the settings cannot be used.
        """
        if find_spec("asyncua") is None:
            raise OperatorError(
                "An OPC UA server needs asyncua, which is not installed.",
                "Install the extra `plant-sources`; in a clone of Tocsin: pip install -e '.[plant-sources]'",
            )
        from tocsin.engine.plant.collectors.opcua_session import follow  # noqa: PLC0415  only where it is installed

        logging.getLogger("asyncua").setLevel(
            logging.CRITICAL + 1
        )  # what matters of it is raised, and told by us
        said: set[str] = set()

        def tell(text: str) -> None:
            if text not in self._told | said:
                self.tell(text)
            said.add(text)

        try:
            await follow(self.settings, deliver, tell)
        except SourceLost as lost:
            raise SourceLost(f"{self.settings.endpoint}: {lost}") from lost
        except TocsinError:
            raise
        except (
            Exception
        ) as error:  # whatever the library makes of a server's bytes, it is the server that is lost
            raise SourceLost(f"{self.settings.endpoint}: {_said(error)}") from error
        finally:
            self._told = said or self._told


def _said(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it does not answer"
    return (str(error) or type(error).__name__)[:300]
