/* One instance of the plug-in, as its audio thread has it. Everything in realtime.c may be called in that thread: it
 * reserves no memory, waits for nobody and enters the kernel for nothing (the clock is read without it). */
#ifndef JAMLINK_REALTIME_H
#define JAMLINK_REALTIME_H

#include <lv2/atom/atom.h>
#include <lv2/urid/urid.h>

#include "link.h"

struct urids {
    LV2_URID midi, position, bar, bar_beat, beats_per_bar, beat_unit, bpm, speed;
    LV2_URID object, blank, sequence, float_, double_, int_, long_;
};

/* The line that ties frames to moments of CLOCK_MONOTONIC. A block is never called early, only late, so the earliest of
 * many calls is nearest to the truth. */
struct frame_line {
    double origin; /* ns; the moment of frame 0 */
    double ns_per_frame;
    double earliest;  /* ns by which the earliest call of this window was late */
    uint32_t calls;   /* in this window */
    uint32_t windows; /* since the line was drawn */
    uint32_t behind;  /* calls in a row that came too late by a stall */
};

/* The host's transport, and which pulse of a MIDI clock (24 to a quarter) comes next. */
struct transport {
    bool rolls;
    double quarter;          /* the place at `frame` */
    uint64_t frame;
    double quarters_per_frame;
    int64_t next_pulse;
};

struct instance {
    struct urids urids;
    struct link *link;
    struct wires *wires;
    const LV2_Atom_Sequence *input;
    LV2_Atom_Sequence *output;
    const float *part;
    float *linked;
    double rate;
    uint64_t frames; /* counted since it was made */
    struct frame_line line;
    struct transport transport;
    uint32_t era, block_said, part_said, lost, lost_said;
    uint32_t last_offset; /* of what was written in this block: it must not go back */
    uint8_t sounding[16][128]; /* notes of jamlink's that have begun and not ended */
    bool owes; /* all of these are to be ended before anything else is played */
};

void run_block(struct instance *self, uint32_t frames);

#endif
