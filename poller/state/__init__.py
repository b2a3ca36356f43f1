"""Where checkpoints are kept, and how events and checkpoint are delivered and saved as one."""
