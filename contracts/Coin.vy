# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title Coin: the game's token (ERC-20), minted by its owner
@dev A blocked account neither gets nor gives, as with the large stablecoins. The mark is the top bit of the
     balance's slot, so that a transfer reads no slot more than in a plain ERC-20.
"""

from ethereum.ercs import IERC20

implements: IERC20

event Blocked:
    account: indexed(address)
    blocked: bool

BLOCKED: constant(uint256) = 1 << 255

name: public(constant(String[4])) = "Coin"
symbol: public(constant(String[4])) = "COIN"
decimals: public(constant(uint8)) = 18
owner: public(immutable(address))
totalSupply: public(uint256)
allowance: public(HashMap[address, HashMap[address, uint256]])
balances: HashMap[address, uint256]


@deploy
def __init__():
    owner = msg.sender


@external
def mint(to: address, amount: uint256):
    self._only_owner()
    self.totalSupply += amount
    assert self.totalSupply < BLOCKED, "supply"
    self._receive(to, amount)
    log IERC20.Transfer(sender=empty(address), receiver=to, value=amount)


@external
def setBlocked(account: address, blocked: bool):
    self._only_owner()
    self.balances[account] = self._balance(account) | (BLOCKED if blocked else 0)
    log Blocked(account=account, blocked=blocked)


@external
def transfer(to: address, amount: uint256) -> bool:
    self._transfer(msg.sender, to, amount)
    return True


@external
def transferFrom(sender: address, to: address, amount: uint256) -> bool:
    self.allowance[sender][msg.sender] -= amount
    self._transfer(sender, to, amount)
    return True


@external
def approve(spender: address, amount: uint256) -> bool:
    self.allowance[msg.sender][spender] = amount
    log IERC20.Approval(owner=msg.sender, spender=spender, value=amount)
    return True


@external
@view
def balanceOf(account: address) -> uint256:
    return self._balance(account)


@internal
def _transfer(sender: address, to: address, amount: uint256):
    balance: uint256 = self.balances[sender]
    assert balance < BLOCKED, "sender blocked"
    assert balance >= amount, "balance"
    self.balances[sender] = unsafe_sub(balance, amount)
    self._receive(to, amount)
    log IERC20.Transfer(sender=sender, receiver=to, value=amount)


@internal
def _receive(to: address, amount: uint256):
    assert to != empty(address), "zero address"
    assert to != self, "token itself"
    balance: uint256 = self.balances[to]
    assert balance < BLOCKED, "receiver blocked"
    # Below the supply, which is below 2**255.
    self.balances[to] = unsafe_add(balance, amount)


@internal
@view
def _balance(account: address) -> uint256:
    return self.balances[account] & (BLOCKED - 1)


@internal
@view
def _only_owner():
    assert msg.sender == owner, "owner only"
