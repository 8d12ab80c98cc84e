"""The accounts of every development chain (Hardhat, anvil): their keys are known to all the world."""

from dataclasses import dataclass

CHAIN_ID = 31_337
ETHER = 10**18
BALANCE_WEI = 10_000 * ETHER


@dataclass(frozen=True)
class DevAccount:
    """The address is in lower case."""

    name: str
    address: str
    key: str


OWNER = DevAccount(
    "owner",
    "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266",
    "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
)
OPERATOR = DevAccount(
    "operator",
    "0x70997970c51812dc3a010c7d01b50e0d17dc79c8",
    "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
)
WORKER = DevAccount(
    "worker",
    "0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc",
    "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
)
STRANGER = DevAccount(
    "stranger",
    "0x90f79bf6eb2c4f870365e785982e1f101e93b906",
    "0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
)
ALL = (OWNER, OPERATOR, WORKER, STRANGER)

# Where the contracts of the owner's first two transactions come to lie.
TOKEN = "0x5fbdb2315678afecb367f032d93f642f64180aa3"
JOBS = "0xe7f1725e7734ce288f8367e1bb143e90bb3f0512"
