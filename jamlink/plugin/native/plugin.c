/* The plug-in as LV2 hosts see it; what it does is in realtime.c. */
#include <stdlib.h>
#include <string.h>

#include <lv2/core/lv2.h>
#include <lv2/midi/midi.h>
#include <lv2/time/time.h>

#include "realtime.h"

#define PLUGIN_URI "urn:jamlink:plug-in"

enum port { INPUT, OUTPUT, PART, LINKED };

static void map_urids(struct urids *urids, const LV2_URID_Map *map)
{
    const struct {
        LV2_URID *urid;
        const char *uri;
    } all[] = {
        {&urids->midi, LV2_MIDI__MidiEvent},          {&urids->position, LV2_TIME__Position},
        {&urids->bar, LV2_TIME__bar},                 {&urids->bar_beat, LV2_TIME__barBeat},
        {&urids->beats_per_bar, LV2_TIME__beatsPerBar}, {&urids->beat_unit, LV2_TIME__beatUnit},
        {&urids->bpm, LV2_TIME__beatsPerMinute},      {&urids->speed, LV2_TIME__speed},
        {&urids->object, LV2_ATOM__Object},           {&urids->blank, LV2_ATOM__Blank},
        {&urids->sequence, LV2_ATOM__Sequence},       {&urids->float_, LV2_ATOM__Float},
        {&urids->double_, LV2_ATOM__Double},          {&urids->int_, LV2_ATOM__Int},
        {&urids->long_, LV2_ATOM__Long},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        *all[i].urid = map->map(map->handle, all[i].uri);
}

static const LV2_URID_Map *map_of(const LV2_Feature *const *features)
{
    for (; features && *features; features++)
        if (!strcmp((*features)->URI, LV2_URID__map))
            return (*features)->data;
    return 0;
}

static LV2_Handle instantiate(const LV2_Descriptor *descriptor, double rate, const char *path,
                              const LV2_Feature *const *features)
{
    (void)descriptor, (void)path;
    const LV2_URID_Map *map = map_of(features);
    struct instance *self = map && rate > 0 ? calloc(1, sizeof *self) : 0;
    if (!self)
        return 0;
    map_urids(&self->urids, map);
    self->rate = rate;
    self->line.ns_per_frame = 1e9 / rate;
    self->link = link_start();
    if (!self->link) {
        free(self);
        return 0;
    }
    self->wires = link_wires(self->link);
    return self;
}

static void connect_port(LV2_Handle handle, uint32_t port, void *buffer)
{
    struct instance *self = handle;
    switch ((enum port)port) {
    case INPUT:
        self->input = buffer;
        break;
    case OUTPUT:
        self->output = buffer;
        break;
    case PART:
        self->part = buffer;
        break;
    case LINKED:
        self->linked = buffer;
        break;
    }
}

/* After a pause nobody knows what still sounds of what was begun before it. */
static void activate(LV2_Handle handle)
{
    struct instance *self = handle;
    self->owes = true;
}

static void run(LV2_Handle handle, uint32_t frames)
{
    const struct instance *self = handle;
    if (self->input && self->output)
        run_block(handle, frames);
}

static void cleanup(LV2_Handle handle)
{
    struct instance *self = handle;
    link_stop(self->link);
    free(self);
}

static const LV2_Descriptor descriptor = {
    .URI = PLUGIN_URI,
    .instantiate = instantiate,
    .connect_port = connect_port,
    .activate = activate,
    .run = run,
    .cleanup = cleanup,
};

LV2_SYMBOL_EXPORT const LV2_Descriptor *lv2_descriptor(uint32_t index)
{
    return index == 0 ? &descriptor : 0;
}
