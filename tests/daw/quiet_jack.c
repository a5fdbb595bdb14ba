/* Ardour 7.3 sets port metadata from a second thread while its first talks to the JACK server, and libjack does not keep
 * the two requests apart: the server then reads rubbish. A session comes up in 22 of 26 starts with it, in all without.
 * This library goes before libjack in Ardour's process alone, and makes the setters do nothing. */
#include <stdint.h>

int jack_set_property(void *client, uint64_t subject, const char *key, const char *value, const char *type)
{
    (void)client, (void)subject, (void)key, (void)value, (void)type;
    return 0;
}

int jack_remove_property(void *client, uint64_t subject, const char *key)
{
    (void)client, (void)subject, (void)key;
    return 0;
}

int jack_remove_properties(void *client, uint64_t subject)
{
    (void)client, (void)subject;
    return 0;
}

int jack_remove_all_properties(void *client)
{
    (void)client;
    return 0;
}
