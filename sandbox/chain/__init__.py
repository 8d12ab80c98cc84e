"""The chain as payout sees it: an EVM node on loopback with the Jobs contract, and its worker.

Nothing here needs pyrevm before it is started; `server` and what it is made of do.
"""

from sandbox.chain.guest import ChainGuest

__all__ = ["ChainGuest"]
