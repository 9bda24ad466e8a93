"""STOMP 1.0, 1.1 and 1.2, the simple text protocol of message brokers (https://stomp.github.io/stomp-specification-1.2.html).

In reading order: `frames` (bytes to frames and back, without a network), `client` (a connection to a broker).
"""

from plait.protocol.stomp.client import StompClient
from plait.protocol.stomp.frames import StompDecoder, StompError, StompFrame, StompProtocolError, encodeFrame

__all__ = ["StompClient", "StompDecoder", "StompError", "StompFrame", "StompProtocolError", "encodeFrame"]
