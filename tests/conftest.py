"""What holds for all tests."""

import signal

# A shell's background jobs are deaf to Ctrl-C and so is all that they start; what is tested here must hear it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
