"""The rim: processes, clocks, queues and the pipes between them."""
