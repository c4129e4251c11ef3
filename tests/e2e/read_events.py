"""Reads event files by itself: records with their checksums, and as much of the protocol buffers as there is in them."""
import glob
import struct
import sys


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(path):
    data = open(path, "rb").read()
    at = 0
    while at < len(data):
        if at + 12 > len(data):
            break                       # the writer was killed here
        size, check = struct.unpack_from("<QI", data, at)
        assert check == masked(data[at:at + 8]), f"{path}: checksum of the length at {at}"
        body = data[at + 12:at + 12 + size]
        if at + 16 + size > len(data):
            break
        assert struct.unpack_from("<I", data, at + 12 + size)[0] == masked(body), f"{path}: checksum of the bytes at {at}"
        yield body
        at += 16 + size


def fields(data):
    """(number, value) of a message; bytes stay bytes."""
    def varint(at):
        value = shift = 0
        while True:
            value |= (data[at] & 127) << shift
            at, shift = at + 1, shift + 7
            if data[at - 1] < 128:
                return value, at
    at, out = 0, []
    while at < len(data):
        key, at = varint(at)
        kind = key & 7
        if kind == 0:
            value, at = varint(at)
        elif kind == 1:
            value, at = struct.unpack_from("<d", data, at)[0], at + 8
        elif kind == 5:
            value, at = struct.unpack_from("<f", data, at)[0], at + 4
        else:
            assert kind == 2, kind
            size, at = varint(at)
            value, at = data[at:at + size], at + size
        out.append((key >> 3, value))
    assert at == len(data)
    return out


def read(folder):
    """tag -> list of (step, value), as a reader that heeds the starts of sessions has them."""
    tags = {}
    for path in sorted(glob.glob(folder + "/events.out.tfevents.*")):
        for i, record in enumerate(records(path)):
            event = dict(fields(record))
            step = event.get(2, 0)
            assert event[1] > 1.5e9, "wall time"
            assert (i == 0) == (event.get(3) == b"brain.Event:2"), "a file begins with its version"
            if 7 in event:
                assert dict(fields(event[7])) == {1: 1}, "start of a session"
                for tag in tags:
                    tags[tag] = [v for v in tags[tag] if v[0] < step]
            for _, value in fields(event.get(5, b"")):
                v = dict(fields(value))
                if 8 in v:
                    assert dict(fields(dict(fields(v[9]))[1])) == {1: b"text"}, "metadata of a text"
                    tensor = dict(fields(v[8]))
                    assert tensor[1] == 7 and fields(dict(fields(tensor[2]))[2]) == [(1, 1)], "a tensor of one string"
                    v[2] = tensor[8].decode()
                elif 4 in v:
                    v[2] = dict(fields(v[4]))
                tags.setdefault(v[1].decode(), []).append((step, v[2]))
    return tags


if __name__ == "__main__":
    for tag, values in read(sys.argv[1]).items():
        print(tag, values if isinstance(values[0][1], float) else [step for step, _ in values])
