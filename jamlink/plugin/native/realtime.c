/* What happens in the host's audio thread, once a block.
 *
 * What comes in passes through to the output and, stamped, to jamlink. What jamlink has sent ahead leaves at the frame of
 * its moment, in the order in which it was sent: what is late joins the frame of what went before it, so that an end never
 * overtakes its beginning. The host's transport goes to jamlink twice: as it is, and as a MIDI clock with exact stamps. */
#include "realtime.h"

#include <math.h>
#include <string.h>
#include <time.h>

#include <lv2/atom/util.h>

#define PULSES 24              /* of a MIDI clock, to a quarter */
#define PULSES_PER_SIXTEENTH 6 /* what song position counts in */
#define WINDOW 64              /* calls whose earliest corrects the line */
#define STALL_NS 20e6          /* a call that is later than this is no late waking: the machine stood still */
#define STALLED 8              /* so many of them in a row, and the frames have stood still too */
#define GENTLE 10              /* at most a tenth of a window's error is taken out at once: a line that trembles moves notes */
#define STALE_NS 500000000     /* a beginning later than this is no music any more; ends are never dropped */
#define FASTEST_BPM 10000.0    /* what is faster, or no number, is a mistake of the host and does not roll */
#define FARTHEST_BAR 1e6
#define SAME_PLACE (1.0 / 960) /* quarters: nearer than this the host only says again where it is */

enum { CLOCK = 0xF8, START = 0xFA, CONTINUE = 0xFB, STOP = 0xFC, SONG_POSITION = 0xF2 };

/* -- time ---------------------------------------------------------------------------------------------------------- */

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void draw(struct frame_line *line, uint64_t frame, double now)
{
    line->origin = now - (double)frame * line->ns_per_frame;
    line->calls = line->windows = line->behind = 0;
}

static void look_at_the_clock(struct frame_line *line, uint64_t frame, double now)
{
    double late = now - (line->origin + (double)frame * line->ns_per_frame);
    line->behind = late > STALL_NS ? line->behind + 1 : 0;
    if (late < -STALL_NS || line->behind == STALLED || frame == 0) {
        draw(line, frame, now);
        return;
    }
    line->earliest = line->calls == 0 || late < line->earliest ? late : line->earliest;
    if (++line->calls < WINDOW)
        return;
    line->windows += line->windows < GENTLE;
    line->origin += line->earliest / line->windows; /* all of the first error, half of the second, ... */
    line->calls = 0;
}

static int64_t ns_of(const struct frame_line *line, uint64_t frame)
{
    return (int64_t)llround(line->origin + (double)frame * line->ns_per_frame);
}

/* -- to jamlink ---------------------------------------------------------------------------------------------------- */

static bool jamlink_is_there(const struct instance *self)
{
    return self->era & 1;
}

static void say(struct instance *self, const struct record *record)
{
    if (jamlink_is_there(self) && !ring_push(&self->wires->up, record))
        self->lost++;
}

static void say_heard(struct instance *self, uint64_t frame, const uint8_t *data, uint32_t size)
{
    if (size == 0 || size > WIRE_DATA)
        return;
    struct record record = {.kind = SAY_HEARD, .size = (uint8_t)size, .at = ns_of(&self->line, frame)};
    memcpy(record.data, data, size);
    say(self, &record);
}

static void say_clock(struct instance *self, uint64_t frame, uint8_t status)
{
    say_heard(self, frame, &status, 1);
}

/* What jamlink does not know yet. */
static void say_news(struct instance *self, uint32_t frames)
{
    uint32_t part = self->part && *self->part > 0 ? (uint32_t)lroundf(*self->part) : 0;
    if (part != self->part_said) {
        say(self, &(struct record){.kind = SAY_PART, .number = part});
        self->part_said = part;
    }
    if (frames > self->block_said) {
        int64_t length = llround(frames * self->line.ns_per_frame);
        say(self, &(struct record){.kind = SAY_BLOCK, .number = frames, .at = length});
        self->block_said = frames;
    }
    if (self->lost != self->lost_said) {
        say(self, &(struct record){.kind = SAY_LOST, .number = self->lost});
        self->lost_said = self->lost;
    }
}

/* -- to the host --------------------------------------------------------------------------------------------------- */

/* Events are padded to eight bytes, so the host's buffer may be over-full by a few. */
static bool is_full(const struct instance *self, uint32_t capacity)
{
    return self->output->atom.size >= capacity;
}

/* False where the host's buffer is full. */
static bool write_out(struct instance *self, uint32_t capacity, uint32_t offset, const uint8_t *data, uint32_t size)
{
    struct {
        LV2_Atom_Event event;
        uint8_t data[WIRE_DATA];
    } made = {.event = {.time.frames = offset, .body = {.size = size, .type = self->urids.midi}}};
    if (size > WIRE_DATA || is_full(self, capacity))
        return false;
    memcpy(made.data, data, size);
    return lv2_atom_sequence_append_event(self->output, capacity, &made.event) != 0;
}

/* Passes an event of the input through. */
static void pass(struct instance *self, uint32_t capacity, const LV2_Atom_Event *event)
{
    if (!is_full(self, capacity))
        lv2_atom_sequence_append_event(self->output, capacity, event);
    self->last_offset = (uint32_t)event->time.frames;
}

static void note_sounding(struct instance *self, const uint8_t *data)
{
    uint8_t status = data[0] & 0xF0, *note = &self->sounding[data[0] & 0x0F][data[1] & 0x7F];
    if (status == 0x90 && data[2] > 0)
        *note = 1;
    else if (status == 0x80 || status == 0x90)
        *note = 0;
}

static bool is_beginning(const struct record *record)
{
    return record->size == 3 && (record->data[0] & 0xF0) == 0x90 && record->data[2] > 0;
}

/* Writes one message of jamlink's. False where it has to wait: for its block, or for room. */
static bool play(struct instance *self, uint32_t capacity, const struct record *record, uint32_t until)
{
    double exact = ((double)record->at - self->line.origin) / self->line.ns_per_frame - (double)self->frames;
    if (exact > (double)until - 1)
        return false;
    uint32_t offset = exact > 0 ? (uint32_t)ceil(exact) : 0;
    offset = offset < self->last_offset ? self->last_offset : offset;
    bool stale = is_beginning(record) && -exact * self->line.ns_per_frame > STALE_NS;
    if (!stale && !write_out(self, capacity, offset, record->data, record->size))
        return false;
    if (!stale && record->size == 3)
        note_sounding(self, record->data);
    self->last_offset = offset;
    int64_t left = stale ? 0 : ns_of(&self->line, self->frames + offset);
    say(self, &(struct record){.kind = SAY_WRITTEN, .number = record->number, .at = left});
    return true;
}

/* Ends what jamlink had begun; what finds no room in this block is ended in the next one. */
static void end_all(struct instance *self, uint32_t capacity)
{
    self->owes = false;
    for (uint8_t channel = 0; channel < 16; channel++)
        for (uint8_t pitch = 0; pitch < 128; pitch++)
            if (self->sounding[channel][pitch]) {
                uint8_t off[3] = {0x80 | channel, pitch, 64};
                self->sounding[channel][pitch] = !write_out(self, capacity, 0, off, sizeof off);
                self->owes |= self->sounding[channel][pitch];
            }
}

/* -- the host's transport ------------------------------------------------------------------------------------------ */

static double number(const struct urids *urids, const LV2_Atom *atom, double missing)
{
    if (!atom)
        return missing;
    if (atom->type == urids->float_)
        return ((const LV2_Atom_Float *)atom)->body;
    if (atom->type == urids->double_)
        return ((const LV2_Atom_Double *)atom)->body;
    if (atom->type == urids->int_)
        return ((const LV2_Atom_Int *)atom)->body;
    if (atom->type == urids->long_)
        return (double)((const LV2_Atom_Long *)atom)->body;
    return missing;
}

static double place(const struct transport *transport, uint64_t frame)
{
    return transport->quarter + ((double)frame - (double)transport->frame) * transport->quarters_per_frame;
}

/* A MIDI clock starts where the host is: from the beginning, or from the next sixteenth, which song position can name. */
static void start_clock(struct instance *self, uint64_t frame, double quarter)
{
    int64_t sixteenth = (int64_t)ceil(quarter * PULSES / PULSES_PER_SIXTEENTH - 1e-4);
    uint8_t where[3] = {SONG_POSITION, (uint8_t)(sixteenth & 0x7F), (uint8_t)(sixteenth >> 7 & 0x7F)};
    self->transport.next_pulse = sixteenth * PULSES_PER_SIXTEENTH;
    if (sixteenth > 0)
        say_heard(self, frame, where, sizeof where);
    say_clock(self, frame, sixteenth > 0 ? CONTINUE : START);
}

static void move_to(struct instance *self, uint64_t frame, double quarter, double quarters_per_frame, bool rolls)
{
    struct transport *transport = &self->transport;
    bool jumped = fabs(quarter - place(transport, frame)) > SAME_PLACE;
    if (transport->rolls && (!rolls || jumped))
        say_clock(self, frame, STOP);
    bool starts = rolls && (!transport->rolls || jumped);
    transport->rolls = rolls;
    transport->quarter = quarter;
    transport->frame = frame;
    transport->quarters_per_frame = rolls ? quarters_per_frame : 0;
    if (starts)
        start_clock(self, frame, quarter);
}

/* The host said where it is. */
static void take_position(struct instance *self, uint64_t frame, const LV2_Atom_Object *object)
{
    const struct urids *urids = &self->urids;
    const LV2_Atom *bar = 0, *beat = 0, *per_bar = 0, *unit = 0, *bpm = 0, *speed = 0;
    lv2_atom_object_get(object, urids->bar, &bar, urids->bar_beat, &beat, urids->beats_per_bar, &per_bar,
                        urids->beat_unit, &unit, urids->bpm, &bpm, urids->speed, &speed, 0);
    if (!bar || !beat || !bpm)
        return; /* a host without bars has nothing to follow */
    double bars = number(urids, bar, 0), beats = number(urids, beat, 0), in_bar = number(urids, per_bar, 4);
    double units = number(urids, unit, 4), tempo = number(urids, bpm, 120), pace = number(urids, speed, 1);
    if (!(fabs(bars) < FARTHEST_BAR && fabs(beats) < FARTHEST_BAR && in_bar > 0 && in_bar < 1000 && units >= 1 &&
          units <= 1024 && tempo > 0 && tempo * fabs(pace) < FASTEST_BPM))
        return;
    struct position position = {
        .bar = (int32_t)bars, .beat = (float)beats, .beats_per_bar = (float)in_bar, .bpm = (float)tempo};
    bool rolls = pace > 0;
    double of_quarter = 4.0 / units;
    move_to(self, frame, (bars * in_bar + beats) * of_quarter, tempo * of_quarter * pace / (60 * self->rate), rolls);
    struct record record = {.kind = SAY_TRANSPORT, .size = sizeof position, .aux = rolls,
                            .number = (uint32_t)units, .at = ns_of(&self->line, frame)};
    memcpy(record.data, &position, sizeof position);
    say(self, &record);
}

/* The pulses of the MIDI clock before `until`. */
static void say_pulses(struct instance *self, uint64_t until)
{
    struct transport *transport = &self->transport;
    while (transport->rolls && transport->quarters_per_frame > 0) {
        double away = (double)transport->next_pulse / PULSES - transport->quarter;
        double frame = (double)transport->frame + away / transport->quarters_per_frame;
        if (frame > (double)until - 1)
            return;
        say_clock(self, frame > 0 ? (uint64_t)llround(frame) : 0, CLOCK);
        transport->next_pulse++;
    }
}

/* Starts the clock anew where the host is now, or stops it, for a jamlink that has not heard it. */
static void say_where(struct instance *self, uint64_t frame)
{
    if (self->transport.rolls)
        start_clock(self, frame, place(&self->transport, frame));
    else
        say_clock(self, frame, STOP);
}

/* -- what jamlink says ---------------------------------------------------------------------------------------------- */

/* What is due before frame `until` of this block. */
static void play_due(struct instance *self, uint32_t capacity, uint32_t until)
{
    const struct record *record;
    while ((record = ring_peek(&self->wires->down))) {
        bool ours = record->aux == (uint16_t)self->era;
        if (ours && record->kind == TELL_WHERE)
            say_where(self, self->frames);
        else if (ours && !play(self, capacity, record, until))
            return;
        ring_pop(&self->wires->down);
    }
}

/* jamlink came or went: what it had begun ends, and what it had sent ahead is forgotten. */
static void turn_over(struct instance *self, uint32_t era)
{
    self->era = era;
    self->owes = true;
    self->part_said = self->block_said = self->lost_said = 0;
    if (self->transport.rolls)
        say_where(self, self->frames); /* a host says where it is when that changes, and may never say it again */
}

/* -- the block ----------------------------------------------------------------------------------------------------- */

static void take_in(struct instance *self, uint32_t capacity, const LV2_Atom_Event *event)
{
    uint32_t offset = (uint32_t)event->time.frames;
    uint64_t frame = self->frames + offset;
    const struct urids *urids = &self->urids;
    if (event->body.type == urids->midi) {
        pass(self, capacity, event);
        say_heard(self, frame, (const uint8_t *)(event + 1), event->body.size);
    } else if (event->body.type == urids->object || event->body.type == urids->blank) {
        const LV2_Atom_Object *object = (const LV2_Atom_Object *)&event->body;
        if (object->body.otype == urids->position) {
            say_pulses(self, frame);
            take_position(self, frame, object);
        }
    }
}

void run_block(struct instance *self, uint32_t frames)
{
    uint32_t capacity = self->output->atom.size;
    self->output->atom.type = self->urids.sequence;
    self->output->atom.size = sizeof(LV2_Atom_Sequence_Body);
    self->output->body.unit = self->output->body.pad = 0;
    self->last_offset = 0;
    look_at_the_clock(&self->line, self->frames, (double)now_ns());
    uint32_t era = atomic_load_explicit(&self->wires->era, memory_order_acquire);
    if (era != self->era)
        turn_over(self, era);
    if (self->owes && frames > 0)
        end_all(self, capacity);
    say_news(self, frames);
    LV2_ATOM_SEQUENCE_FOREACH (self->input, event) {
        if (!self->owes)
            play_due(self, capacity, (uint32_t)event->time.frames);
        take_in(self, capacity, event);
    }
    if (!self->owes && frames > 0)
        play_due(self, capacity, frames);
    say_pulses(self, self->frames + frames);
    if (self->linked)
        *self->linked = jamlink_is_there(self);
    self->frames += frames;
}
