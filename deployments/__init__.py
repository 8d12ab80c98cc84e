"""What prefect.yaml cannot say: one machine's processes, Blocks, automations, and how they are applied."""
