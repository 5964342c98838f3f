"""State that outlives a process: the commands and the snapshots of a store as JSON, and the engines that keep them."""
