"""What all tests count on."""

import signal

# A shell that runs the tests in the background has SIGINT ignored, by them and by every daemon that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
