"""Stream message protocol v2, without I/O: no socket, no clock, no await.

Read `wire` (the messages), `breaks` (where text may be cut), `codec` (frames in and out), then `reassembly`, `acks`
and `pacing`.
"""
