"""What people proposed."""

from services.directory.domain.proposals import NewsItem, Proposal
from services.directory.store.documents import document, fields
from shared.database import Index, Transaction

INDEXES = (Index("news", [("venue_id", 1)]),)


class Proposals:
    """Edits that were proposed."""

    def __init__(self, tx: Transaction) -> None:
        self._proposals = tx["proposals"]

    async def get(self, proposal_id: str) -> Proposal | None:
        """One proposal."""
        found = await self._proposals.get(proposal_id)
        return Proposal.model_validate(fields(found)) if found else None

    async def put(self, proposal: Proposal) -> None:
        """Add or replace a proposal."""
        await self._proposals.put(document(proposal))


class News:
    """News items, online or not."""

    def __init__(self, tx: Transaction) -> None:
        self._news = tx["news"]

    async def get(self, news_id: str) -> NewsItem | None:
        """One news item."""
        found = await self._news.get(news_id)
        return NewsItem.model_validate(fields(found)) if found else None

    async def put(self, item: NewsItem) -> None:
        """Add or replace a news item."""
        await self._news.put(document(item))

    async def online(self, venue_id: str) -> list[NewsItem]:
        """The news of a venue that anybody may read, newest first."""
        found = await self._news.find({"venue_id": venue_id, "state": "online"})
        items = [NewsItem.model_validate(fields(one)) for one in found]
        return sorted(items, key=lambda item: item.proposed_at, reverse=True)
