"""What a transaction costs at least, and how the base fee moves.

Source  EIP-1559, EIP-2028, EIP-3860, EIP-7623
"""

TRANSACTION_GAS = 21_000
CREATION_GAS = 32_000
INITCODE_WORD_GAS = 2
TOKEN_GAS, FLOOR_TOKEN_GAS = 4, 10
TOKENS_OF_A_BYTE = 4  # of one that is not zero; a zero byte is one token
ELASTICITY, INERTIA = 2, 8


def intrinsic_gas(data: bytes, *, creates: bool) -> int:
    """Gas that is gone before the first instruction.

    >>> intrinsic_gas(bytes([0, 1]), creates=False)
    21020
    """
    creation = CREATION_GAS + INITCODE_WORD_GAS * -(-len(data) // 32) if creates else 0
    return TRANSACTION_GAS + creation + TOKEN_GAS * _tokens(data)


def floor_gas(data: bytes) -> int:
    """Gas that a transaction with these data costs however little it does.

    >>> floor_gas(bytes([0, 1]))
    21050
    """
    return TRANSACTION_GAS + FLOOR_TOKEN_GAS * _tokens(data)


def next_base_fee_wei(base_fee_wei: int, gas_used: int, gas_limit: int, least_wei: int) -> int:
    """Base fee of the block after this one: up to an eighth more or less, by how full this one was.

    >>> [next_base_fee_wei(800, used, 1000, 0) for used in (0, 500, 1000)]
    [700, 800, 900]
    """
    target = gas_limit // ELASTICITY
    change_wei = abs(gas_used - target) * base_fee_wei // target // INERTIA
    if gas_used > target:
        return base_fee_wei + max(change_wei, 1)
    return max(base_fee_wei - change_wei, least_wei)


def _tokens(data: bytes) -> int:
    zeros = data.count(0)
    return zeros + TOKENS_OF_A_BYTE * (len(data) - zeros)
