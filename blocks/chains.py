"""What is known of a chain by its id: name, block explorer, and when a block is final.

Source  ids: github.com/ethereum-lists/chains; finality: docs.polygon.technology/pos/concepts/finality and
        docs.bnbchain.org/bnb-smart-chain/developers/json_rpc/bsc-api-list
"""

from dataclasses import dataclass

SANDBOX = 31_337
NODE_SAYS = 0


@dataclass(frozen=True)
class Preset:
    """A chain's usual values.

    Attributes:
        explorer: address without a slash at the end; None where nobody could follow the link.
        confirmations: blocks on top of a final one; NODE_SAYS asks the node for its `finalized` block.
    """

    name: str
    explorer: str | None
    confirmations: int

    def transaction_link(self, tx_hash: str) -> str | None:
        """Return where people look at a transaction.

        >>> PRESETS[1].transaction_link("0xab")
        'https://etherscan.io/tx/0xab'
        """
        return f"{self.explorer}/tx/{tx_hash}" if self.explorer else None

    def address_link(self, address: str) -> str | None:
        return f"{self.explorer}/address/{address}" if self.explorer else None


PRESETS = {
    SANDBOX: Preset("sandbox", None, 4),
    # A consensus of their own marks blocks that no honest node will take back.
    1: Preset("Ethereum", "https://etherscan.io", NODE_SAYS),
    11_155_111: Preset("Sepolia", "https://sepolia.etherscan.io", NODE_SAYS),
    100: Preset("Gnosis", "https://gnosisscan.io", NODE_SAYS),
    # Final when Ethereum has their batch, a quarter of an hour later; until then one sequencer's word.
    10: Preset("OP Mainnet", "https://optimistic.etherscan.io", NODE_SAYS),
    8453: Preset("Base", "https://basescan.org", NODE_SAYS),
    84_532: Preset("Base Sepolia", "https://sepolia.basescan.org", NODE_SAYS),
    42_161: Preset("Arbitrum One", "https://arbiscan.io", NODE_SAYS),
    # Seconds behind the head; deeper by itself when their validators do not agree at once.
    137: Preset("Polygon", "https://polygonscan.com", NODE_SAYS),
    80_002: Preset("Polygon Amoy", "https://amoy.polygonscan.com", NODE_SAYS),
    56: Preset("BNB Smart Chain", "https://bscscan.com", NODE_SAYS),
    97: Preset("BNB Smart Chain Testnet", "https://testnet.bscscan.com", NODE_SAYS),
    # Accepted blocks are final; one more for a node that is behind another one.
    43_114: Preset("Avalanche", "https://snowtrace.io", 1),
    43_113: Preset("Avalanche Fuji", "https://testnet.snowtrace.io", 1),
}
