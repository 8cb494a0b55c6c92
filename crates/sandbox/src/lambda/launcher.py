"""Starts a function's runtime inside its isolated environment.

An environment has no network but its own loopback. This program makes the ports that its standard input names answer
there, each by carrying the bytes to a Unix socket that the sandbox serves, and then becomes the runtime.
"""

import json
import os
import selectors
import socket
import sys

CHUNK = 65536
READY = b"POST /ready HTTP/1.1\r\nHost: runtime\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Direction:
    """Bytes on their way from one socket to the other; at most one chunk waits."""

    def __init__(self, source, sink):
        self.source, self.sink, self.waiting, self.ended = source, sink, b"", False

    def read(self):
        try:
            self.waiting = self.source.recv(CHUNK)
        except BlockingIOError:
            return
        if not self.waiting:
            self.ended = True
            self.sink.shutdown(socket.SHUT_WR)

    def write(self):
        try:
            self.waiting = self.waiting[self.sink.send(self.waiting) :]
        except BlockingIOError:
            pass


class Connection:
    """A client inside, joined to the sandbox's socket outside."""

    def __init__(self, selector, client, path):
        self.selector = selector
        self.client, self.server = client, socket.socket(socket.AF_UNIX)
        self.watched = {}
        try:
            self.server.connect(path)
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.setblocking(False)
            self.server.setblocking(False)
            self.directions = [Direction(client, self.server), Direction(self.server, client)]
            self.watch()
        except OSError:
            self.close()

    def watch(self):
        wanted = {self.client: 0, self.server: 0}
        for direction in self.directions:
            if direction.waiting:
                wanted[direction.sink] |= selectors.EVENT_WRITE
            elif not direction.ended:
                wanted[direction.source] |= selectors.EVENT_READ
        for end, events in wanted.items():
            if events == self.watched.get(end, 0):
                continue
            if end not in self.watched:
                self.selector.register(end, events, self)
            elif events:
                self.selector.modify(end, events, self)
            else:
                self.selector.unregister(end)
            self.watched[end] = events
            if not events:
                del self.watched[end]
        if not self.watched:
            self.close()

    def proceed(self, end, events):
        try:
            for direction in self.directions:
                if direction.source is end and events & selectors.EVENT_READ and not direction.waiting:
                    direction.read()
                if direction.sink is end and events & selectors.EVENT_WRITE and direction.waiting:
                    direction.write()
            self.watch()
        except OSError:
            self.close()

    def close(self):
        for end in list(self.watched):
            self.selector.unregister(end)
        self.watched = {}
        self.client.close()
        self.server.close()


def forward(listeners):
    """Carries bytes for ever."""
    selector = selectors.DefaultSelector()
    for listener, path in listeners:
        listener.setblocking(False)
        selector.register(listener, selectors.EVENT_READ, path)
    while True:
        for key, events in selector.select():
            if isinstance(key.data, Connection):
                # An earlier event of the same round may have closed it.
                if key.fileobj in key.data.watched:
                    key.data.proceed(key.fileobj, events)
                continue
            try:
                client, _ = key.fileobj.accept()
            except OSError:
                continue
            Connection(selector, client, key.data)


def silence(*descriptors):
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in descriptors:
        os.dup2(null, descriptor)
    os.close(null)


def close_inherited():
    """Closes what the sandbox itself was started with and handed on unknowingly."""
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2:
            try:
                os.close(int(name))
            except OSError:
                pass  # the one with which the folder was listed


def main():
    close_inherited()
    orders = json.load(sys.stdin.buffer)
    listeners = []
    for port, path in orders["forward"]:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(64)
        listeners.append((listener, path))
    if os.fork() == 0:
        silence(0, 1, 2)
        forward(listeners)
    silence(0)
    with socket.socket(socket.AF_UNIX) as runtime:
        runtime.connect(orders["runtime"])
        runtime.sendall(READY)
        while runtime.recv(CHUNK):
            pass
    os.chdir(orders["folder"])
    os.execve(orders["program"][0], orders["program"], orders["environment"])


main()
