"""What names the account at a vendor that a state belongs to."""

from msgspec import Struct

from poller.plugin.source import Source


class AccountId(Struct, frozen=True):
    """The account that a source's state belongs to."""

    type: str
    base_url: str
    tenant: str | None


def account_id(account: Source) -> AccountId:
    """Return what names the account that a state belongs to."""
    return AccountId(account.type, account.base_url, account.tenant_key)
