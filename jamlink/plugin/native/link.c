/* The helper thread: connects to jamlink's socket, again and again while nobody is there, and carries records between the
 * socket and the two rings. The audio thread cannot wake it without a system call, so it looks every millisecond. */
#define _GNU_SOURCE
#include "link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define LOOK_EVERY_MS 1
#define TRY_EVERY_MS 250
#define BATCH 64 /* records moved at once */

struct link {
    struct wires wires;
    pthread_t thread;
    int alarm[2]; /* a byte in this pipe ends the thread */
    int socket;
    struct record out[BATCH]; /* on their way to jamlink */
    size_t out_bytes, out_sent;
    unsigned char in[BATCH * sizeof(struct record)]; /* came from jamlink, perhaps half a record at the end */
    size_t in_bytes;
};

/* Where jamlink listens; the same rule as in plugin_ports.py. */
static void socket_path(char *path, size_t size)
{
    const char *named = getenv("JAMLINK_PLUGIN"), *runtime = getenv("XDG_RUNTIME_DIR");
    if (named && *named)
        snprintf(path, size, "%s", named);
    else if (runtime && *runtime)
        snprintf(path, size, "%s/jamlink/plug-in", runtime);
    else
        snprintf(path, size, "/tmp/jamlink-%u/plug-in", (unsigned)getuid());
}

static int connect_to_jamlink(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socket_path(address.sun_path, sizeof address.sun_path);
    struct stat about;
    if (lstat(address.sun_path, &about) < 0 || about.st_uid != getuid())
        return -1; /* not there, or somebody else who would like to hear us */
    int made = socket(AF_UNIX, SOCK_STREAM, 0);
    if (made < 0)
        return -1;
    fcntl(made, F_SETFD, FD_CLOEXEC);
    /* Before connecting: a jamlink that hangs must not hang the host, which waits for this thread when it ends. */
    fcntl(made, F_SETFL, fcntl(made, F_GETFL) | O_NONBLOCK);
    if (connect(made, (struct sockaddr *)&address, sizeof address) < 0) {
        close(made);
        return -1;
    }
    return made;
}

static void forget_unsent(struct link *link)
{
    while (ring_peek(&link->wires.up))
        ring_pop(&link->wires.up);
    link->out_bytes = link->out_sent = link->in_bytes = 0;
}

static void come_up(struct link *link)
{
    forget_unsent(link);
    link->out[0] = (struct record){.kind = SAY_HELLO, .number = WIRE_VERSION};
    link->out_bytes = sizeof(struct record);
    atomic_fetch_add_explicit(&link->wires.era, 1, memory_order_release);
}

static void go_down(struct link *link)
{
    close(link->socket);
    link->socket = -1;
    atomic_fetch_add_explicit(&link->wires.era, 1, memory_order_release);
}

/* False where the connection is gone. */
static bool send_up(struct link *link)
{
    for (;;) {
        if (link->out_sent == link->out_bytes) {
            link->out_sent = link->out_bytes = 0;
            const struct record *record;
            for (size_t n = 0; n < BATCH && (record = ring_peek(&link->wires.up)); n++) {
                link->out[n] = *record;
                ring_pop(&link->wires.up);
                link->out_bytes += sizeof *record;
            }
            if (!link->out_bytes)
                return true;
        }
        ssize_t sent = send(link->socket, (char *)link->out + link->out_sent, link->out_bytes - link->out_sent, MSG_NOSIGNAL);
        if (sent < 0)
            return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
        link->out_sent += (size_t)sent;
    }
}

/* Puts whole records into the ring; what finds it full stays for the next look, and jamlink's socket fills up. */
static void hand_down(struct link *link)
{
    size_t done = 0;
    uint16_t era = (uint16_t)atomic_load_explicit(&link->wires.era, memory_order_relaxed);
    while (link->in_bytes - done >= sizeof(struct record)) {
        struct record record;
        memcpy(&record, link->in + done, sizeof record);
        record.aux = era;
        bool known = record.kind == TELL_PLAY || record.kind == TELL_WHERE;
        if (known && !ring_push(&link->wires.down, &record))
            break;
        done += sizeof record;
    }
    memmove(link->in, link->in + done, link->in_bytes - done);
    link->in_bytes -= done;
}

/* False where the connection is gone. */
static bool receive_down(struct link *link)
{
    for (;;) {
        hand_down(link);
        if (link->in_bytes == sizeof link->in)
            return true;
        ssize_t came = recv(link->socket, link->in + link->in_bytes, sizeof link->in - link->in_bytes, 0);
        if (came == 0)
            return false;
        if (came < 0)
            return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
        link->in_bytes += (size_t)came;
    }
}

static void *carry(void *argument)
{
    struct link *link = argument;
    for (;;) {
        if (link->socket < 0 && (link->socket = connect_to_jamlink()) >= 0)
            come_up(link);
        struct pollfd looks = {.fd = link->alarm[0], .events = POLLIN};
        if (poll(&looks, 1, link->socket < 0 ? TRY_EVERY_MS : LOOK_EVERY_MS) > 0)
            return 0;
        if (link->socket >= 0 && !(receive_down(link) && send_up(link)))
            go_down(link);
    }
}

static bool start_thread(struct link *link)
{
    /* The host's signals are the host's: this thread takes none. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&link->thread, 0, carry, link) == 0;
    pthread_sigmask(SIG_SETMASK, &before, 0);
    return started;
}

struct link *link_start(void)
{
    struct link *link = calloc(1, sizeof *link);
    if (!link)
        return 0;
    link->socket = -1;
    if (pipe(link->alarm) < 0) {
        free(link);
        return 0;
    }
    fcntl(link->alarm[0], F_SETFD, FD_CLOEXEC);
    fcntl(link->alarm[1], F_SETFD, FD_CLOEXEC);
    if (start_thread(link))
        return link;
    close(link->alarm[0]);
    close(link->alarm[1]);
    free(link);
    return 0;
}

struct wires *link_wires(struct link *link)
{
    return &link->wires;
}

void link_stop(struct link *link)
{
    if (write(link->alarm[1], "!", 1) == 1)
        pthread_join(link->thread, 0);
    if (link->socket >= 0)
        close(link->socket);
    close(link->alarm[0]);
    close(link->alarm[1]);
    free(link);
}
