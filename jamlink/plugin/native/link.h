/* The plug-in's connection to jamlink on this machine: a thread of its own with a local socket, and two rings. */
#ifndef JAMLINK_LINK_H
#define JAMLINK_LINK_H

#include "ring.h"

struct link;

/* What the audio thread sees of a link. `era` is odd while jamlink is there and goes up by one whenever it comes or goes;
 * records from jamlink carry the era they belong to in `aux`. */
struct wires {
    struct ring up;   /* to jamlink: the audio thread writes */
    struct ring down; /* from jamlink: the audio thread reads */
    _Atomic uint32_t era;
};

/* Starts the thread. NULL where memory or threads are short. Not for the audio thread, as all of these. */
struct link *link_start(void);
struct wires *link_wires(struct link *link);
/* Ends the connection and the thread; waits for it, some milliseconds. */
void link_stop(struct link *link);

#endif
