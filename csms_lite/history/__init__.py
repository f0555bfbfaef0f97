"""What stations told of themselves over time: statuses, boots, heartbeats."""
