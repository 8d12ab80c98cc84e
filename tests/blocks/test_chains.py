"""What is known of chains can be relied on."""

import pytest

from blocks.chains import NODE_SAYS, PRESETS, SANDBOX, Preset


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda preset: preset.name)
def test_a_preset_is_whole(preset: Preset) -> None:
    """A name, links that open, and a finality that is none or some blocks."""
    assert preset.name
    assert preset.confirmations == NODE_SAYS or 1 <= preset.confirmations <= 1_000
    if preset.explorer:
        assert preset.explorer.startswith("https://")
        assert not preset.explorer.endswith("/")
        assert preset.transaction_link("0x1") == f"{preset.explorer}/tx/0x1"
        assert preset.address_link("0x2") == f"{preset.explorer}/address/0x2"


def test_nobody_follows_a_link_to_the_sandbox() -> None:
    """So there is none."""
    sandbox = PRESETS[SANDBOX]
    assert sandbox.transaction_link("0x1") is sandbox.address_link("0x2") is None
