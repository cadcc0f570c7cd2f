//! Market data: what the events say to everybody, and books made from it. Pure: no I/O, no clock.
