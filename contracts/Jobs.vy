# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title Jobs: a queue of payments between an operator, who submits, and a worker, who pays
@notice A job is known by its id for ever: submitted once, then completed, failed or cancelled, and never again.
        Budget is the tokens that this contract holds. They leave it by completed jobs alone.
@dev The recipients of a job are packed into words of 32 bytes, address (20) and amount (12). Only their digest
     is stored: whoever completes the job sends them once more. A submit costs what its calldata costs (the floor
     of EIP-7623) from about 150 recipients on.
"""

interface Token:
    def transfer(to: address, amount: uint256) -> bool: nonpayable
    def balanceOf(account: address) -> uint256: view

event JobSubmitted:
    job_id: indexed(bytes32)
    digest: bytes32
    n: uint256
    total: uint256
    deadline: uint256

event JobCompleted:
    job_id: indexed(bytes32)
    n: uint256
    total: uint256

event JobFailed:
    job_id: indexed(bytes32)
    reason: String[128]

event JobCancelled:
    job_id: indexed(bytes32)

event OperatorChanged:
    operator: indexed(address)

event WorkerChanged:
    worker: indexed(address)

event LimitsChanged:
    maxPerJob: uint256
    maxPerDay: uint256

event PauseChanged:
    paused: bool

struct Job:
    status: uint256
    n: uint256
    total: uint256
    deadline: uint256
    day: uint256
    digest: bytes32

MAX_RECIPIENTS: constant(uint256) = 1024
WORD: constant(uint256) = 32
DAY_S: constant(uint256) = 86400
AMOUNT_BITS: constant(uint256) = 96
AMOUNT: constant(uint256) = 2**96 - 1

SUBMITTED: constant(uint256) = 1
COMPLETED: constant(uint256) = 2
FAILED: constant(uint256) = 3
CANCELLED: constant(uint256) = 4

owner: public(immutable(address))
token: public(immutable(address))
operator: public(address)
worker: public(address)
paused: public(bool)
maxPerJob: public(uint256)
maxPerDay: public(uint256)
# By day since 1970 (UTC): the total of the jobs that were submitted on it, without those failed or cancelled.
dayPaid: public(HashMap[uint256, uint256])

digests: HashMap[bytes32, bytes32]
# status (8 bits), n (32), day (24), deadline (64), total (128) in one word: a slot costs 22,100 gas.
terms: HashMap[bytes32, uint256]


@deploy
def __init__(token_: address, operator_: address, worker_: address, max_per_job: uint256, max_per_day: uint256):
    assert token_.is_contract, "token is no contract"
    owner = msg.sender
    token = token_
    self._set_operator(operator_)
    self._set_worker(worker_)
    self._set_limits(max_per_job, max_per_day)


@external
def submitJob(job_id: bytes32, recipients: Bytes[WORD * MAX_RECIPIENTS], deadline: uint256):
    """
    @notice Promise to pay; the tokens move when the worker completes the job.
    @param job_id Chosen by the operator; refused if it was ever submitted before.
    @param recipients Words of address (20 bytes) and amount (12 bytes), neither of them zero.
    @param deadline Unix time of the last block that may take this job.
    """
    assert msg.sender == self.operator, "operator only"
    assert not self.paused, "paused"
    assert self.terms[job_id] == 0, "known job"
    assert block.timestamp <= deadline, "past deadline"
    assert deadline < 2**64, "deadline"
    n: uint256 = len(recipients) // WORD
    assert n > 0, "no recipients"
    assert n * WORD == len(recipients), "ragged recipients"
    total: uint256 = 0
    for i: uint256 in range(n, bound=MAX_RECIPIENTS):
        word: uint256 = extract32(recipients, unsafe_mul(i, WORD), output_type=uint256)
        assert word > AMOUNT, "zero address"
        assert word & AMOUNT != 0, "zero amount"
        total = unsafe_add(total, word & AMOUNT)
    assert total <= self.maxPerJob, "over maxPerJob"
    day: uint256 = block.timestamp // DAY_S
    paid: uint256 = self.dayPaid[day] + total
    assert paid <= self.maxPerDay, "over maxPerDay"
    self.dayPaid[day] = paid
    digest: bytes32 = keccak256(recipients)
    self.digests[job_id] = digest
    self.terms[job_id] = (SUBMITTED << 248) | (n << 216) | (day << 192) | (deadline << 128) | total
    log JobSubmitted(job_id=job_id, digest=digest, n=n, total=total, deadline=deadline)


@external
def completeJob(job_id: bytes32, recipients: Bytes[WORD * MAX_RECIPIENTS]):
    """
    @notice Pay every recipient of a submitted job, all or none.
    @param recipients The same bytes as submitted.
    """
    assert msg.sender == self.worker, "worker only"
    assert not self.paused, "paused"
    terms: uint256 = self._close(job_id, COMPLETED)
    assert keccak256(recipients) == self.digests[job_id], "wrong recipients"
    n: uint256 = self._n(terms)
    for i: uint256 in range(n, bound=MAX_RECIPIENTS):
        word: uint256 = extract32(recipients, unsafe_mul(i, WORD), output_type=uint256)
        recipient: address = convert(word >> AMOUNT_BITS, address)
        assert extcall Token(token).transfer(recipient, word & AMOUNT, default_return_value=True), "transfer"
    log JobCompleted(job_id=job_id, n=n, total=self._total(terms))


@external
def failJob(job_id: bytes32, reason: String[128]):
    """
    @notice Say that a submitted job cannot be paid; its id is used up.
    """
    assert msg.sender == self.worker, "worker only"
    self._give_back(self._close(job_id, FAILED))
    log JobFailed(job_id=job_id, reason=reason)


@external
def cancelJob(job_id: bytes32):
    """
    @notice Take back a job that nobody completed; its id is used up.
    """
    self._only_owner()
    self._give_back(self._close(job_id, CANCELLED))
    log JobCancelled(job_id=job_id)


@external
def setOperator(operator: address):
    self._only_owner()
    self._set_operator(operator)


@external
def setWorker(worker: address):
    self._only_owner()
    self._set_worker(worker)


@external
def setLimits(max_per_job: uint256, max_per_day: uint256):
    self._only_owner()
    self._set_limits(max_per_job, max_per_day)


@external
def setPaused(paused: bool):
    """
    @notice While paused nothing is submitted and nothing is paid; jobs can still fail and be cancelled.
    """
    self._only_owner()
    self.paused = paused
    log PauseChanged(paused=paused)


@external
@view
def job(job_id: bytes32) -> Job:
    """
    @return Status 0 unknown, 1 submitted, 2 completed, 3 failed, 4 cancelled; `day` counts from 1970 (UTC).
    """
    terms: uint256 = self.terms[job_id]
    return Job(
        status=terms >> 248,
        n=self._n(terms),
        total=self._total(terms),
        deadline=(terms >> 128) & (2**64 - 1),
        day=self._day(terms),
        digest=self.digests[job_id],
    )


@external
@view
def budget() -> uint256:
    return staticcall Token(token).balanceOf(self)


@internal
def _close(job_id: bytes32, status: uint256) -> uint256:
    terms: uint256 = self.terms[job_id]
    assert terms >> 248 == SUBMITTED, "not open"
    self.terms[job_id] = (terms & (2**248 - 1)) | (status << 248)
    return terms


@internal
def _give_back(terms: uint256):
    self.dayPaid[self._day(terms)] -= self._total(terms)


@internal
@pure
def _n(terms: uint256) -> uint256:
    return (terms >> 216) & (2**32 - 1)


@internal
@pure
def _day(terms: uint256) -> uint256:
    return (terms >> 192) & (2**24 - 1)


@internal
@pure
def _total(terms: uint256) -> uint256:
    return terms & (2**128 - 1)


@internal
@view
def _only_owner():
    assert msg.sender == owner, "owner only"


@internal
def _set_operator(operator: address):
    assert operator != empty(address), "zero address"
    assert operator != owner, "operator is owner"
    self.operator = operator
    log OperatorChanged(operator=operator)


@internal
def _set_worker(worker: address):
    assert worker != empty(address), "zero address"
    self.worker = worker
    log WorkerChanged(worker=worker)


@internal
def _set_limits(max_per_job: uint256, max_per_day: uint256):
    self.maxPerJob = max_per_job
    self.maxPerDay = max_per_day
    log LimitsChanged(maxPerJob=max_per_job, maxPerDay=max_per_day)
