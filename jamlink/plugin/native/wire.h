/* What travels between the plug-in and jamlink: records of 32 bytes over a local stream socket, in the machine's own byte
 * order, for both ends are on one machine. The far end is jamlink/ports/plugin_ports.py.
 *
 * Moments are nanoseconds of CLOCK_MONOTONIC. A message is at most 16 bytes: notes, controllers and clock are 3 or less,
 * and what is longer (dumps of samples or firmware) is no music; it passes through the plug-in and is not carried. */
#ifndef JAMLINK_WIRE_H
#define JAMLINK_WIRE_H

#include <stdint.h>

#define WIRE_VERSION 2
#define WIRE_DATA 16

enum to_jamlink {
    SAY_HELLO = 1,     /* number: the version; aux: nothing; first on every connection */
    SAY_HEARD = 2,     /* a message at the plug-in's input, or of the host's clock, at its moment */
    SAY_WRITTEN = 3,   /* number: of the message that left; at: the moment of its frame */
    SAY_TRANSPORT = 4, /* the host's transport at a moment; see struct position */
    SAY_BLOCK = 5,     /* number: frames in a block; at: its length in ns */
    SAY_PART = 6,      /* number: which part this instance plays, as in jamlink.ttl */
    SAY_LOST = 7,      /* number: records that found the ring full since the plug-in was made */
};

enum from_jamlink {
    TELL_HELLO = 1, /* number: the version */
    TELL_PLAY = 2,  /* number, at, data: write this message at that moment */
    TELL_WHERE = 3, /* say once more where the host is and whether it rolls, as a clock does that starts there */
};

/* The data of SAY_TRANSPORT; aux is 1 where the host rolls; number is the lower half of a beat (4 for quarters). */
struct position {
    int32_t bar;         /* from 0 */
    float beat;          /* in the bar, from 0 */
    float beats_per_bar;
    float bpm;
};

struct record {
    uint8_t kind;
    uint8_t size; /* bytes of data in use */
    uint16_t aux;
    uint32_t number;
    int64_t at;
    uint8_t data[WIRE_DATA];
};

_Static_assert(sizeof(struct record) == 32, "records are 32 bytes on the wire");
_Static_assert(sizeof(struct position) == WIRE_DATA, "a position fits a record");

#endif
