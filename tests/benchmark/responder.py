"""A minimal responder, whose rate is the most that the load client can drive. Arguments: the port, and the file with the response body.

It does not parse requests: whatever a client sends at once is one request, as the load client sends it.
"""

from __future__ import annotations

import select
import socket
import sys
from pathlib import Path

RECEIVED_BYTES = 64 * 1024
HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/xml;charset=utf-8\r\nContent-Length: {}\r\n\r\n"


def main(port: int, body: bytes) -> None:
    """Serve until a signal ends the process."""
    response = HEAD.format(len(body)).encode() + body
    poller, connections = select.poll(), dict[int, socket.socket]()
    with socket.create_server(("127.0.0.1", port), backlog=128) as listener:
        poller.register(listener, select.POLLIN)
        while True:
            for descriptor, _ in poller.poll():
                connection = connections.get(descriptor)
                if connection is None:
                    connection, _ = listener.accept()
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    connections[connection.fileno()] = connection
                    poller.register(connection, select.POLLIN)
                elif not _answer(connection, response):
                    poller.unregister(descriptor)
                    connections.pop(descriptor).close()


def _answer(connection: socket.socket, response: bytes) -> bool:
    """Answer what a client has sent; return whether it keeps the connection open."""
    try:
        is_open = bool(connection.recv(RECEIVED_BYTES))
        if is_open:
            connection.sendall(response)
    except ConnectionError:
        return False
    return is_open


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]).read_bytes())
