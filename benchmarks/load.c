/* The load: a client for echo-like servers on loopback. One thread, epoll.
 *
 *   gcc -O2 -o load load.c
 *   gcc -O2 -DWITH_TLS -o load-tls load.c -lssl -lcrypto
 *   load PORT PID echo|lines|int32|connect|udp|tls CONNECTIONS SIZE DEPTH WARMUP SECONDS
 *
 * echo     every connection keeps DEPTH messages of SIZE bytes in flight: sent together, and again when all have come back
 * lines    the same, where a message is SIZE - 2 bytes and CR LF
 * int32    the same, where a message is 4 bytes of length, the highest first, and SIZE - 4 bytes
 * connect  each round is a connection of its own: connect, send one message, read it back, close
 * udp      as echo, where a message is a datagram and a connection a socket; DEPTH is 1
 * tls      as echo, under TLS, whose handshakes are done before anything is counted; the certificate is not looked at
 *
 * WARMUP seconds are not counted, SECONDS are. PID is the server: its CPU time is read from its own clock, which counts
 * nanoseconds and all its threads, at the first and at the last instant that is counted. Every byte that comes back is
 * compared with what was sent. Prints one line of JSON:
 *
 *   per_second  messages (with `connect`: connections) a second
 *   cpu_us      microseconds of the server's CPU, user and system, for each
 *   server_busy, load_busy  the part of a core that each of the two had in use
 *   p50_us, p99_us          how long a round took, from the first byte sent to the last byte read
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#ifdef WITH_TLS
#include <fcntl.h>
#include <openssl/ssl.h>
#endif

#define READ_SIZE (1 << 20)
#define EVENTS 1024
#define SAMPLES 4000000     /* rounds that the percentiles are made of; 32 MB, used only as far as it is filled */
#define PATIENCE_MS 5000    /* a server that says nothing for so long has stopped answering */

struct connection {
    int fd;
#ifdef WITH_TLS
    SSL *tls;               /* NULL: in the clear */
#endif
    long sent, received;    /* bytes of this round */
    double started;
};

static struct sockaddr_in server;
static int epoll_fd;
static int socket_type = SOCK_STREAM;
static char *message;       /* all DEPTH messages of a round */
static long total;          /* its length */

static void die(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("load: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

static double read_clock(clockid_t clock) {
    struct timespec t;
    if (clock_gettime(clock, &t)) die("the server is gone: %s", strerror(errno));
    return t.tv_sec + t.tv_nsec / 1e9;
}

static double now(void) { return read_clock(CLOCK_MONOTONIC); }

/* send_some and receive_some are as send and recv: the number of bytes, or -1 with errno EAGAIN where none can go or come now. */
#ifdef WITH_TLS
static SSL_CTX *tls_context;    /* NULL: in the clear */

static ssize_t tls_result(struct connection *c, int n) {
    if (n > 0) return n;
    int error = SSL_get_error(c->tls, n);
    if (error == SSL_ERROR_ZERO_RETURN) return 0;
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) die("a TLS connection has failed");
    errno = EAGAIN;
    return -1;
}

static void begin_tls(struct connection *c) {
    if (!tls_context) return;
    c->tls = SSL_new(tls_context);
    if (!c->tls || !SSL_set_fd(c->tls, c->fd) || SSL_connect(c->tls) != 1) die("the TLS handshake has failed");
    fcntl(c->fd, F_SETFL, fcntl(c->fd, F_GETFL) | O_NONBLOCK);
}

static ssize_t send_some(struct connection *c, const char *bytes, long size) {
    if (c->tls) return tls_result(c, SSL_write(c->tls, bytes, size));
    return send(c->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* One record a call; epoll tells of the next, which OpenSSL leaves in the socket. */
static ssize_t receive_some(struct connection *c, char *buffer, long size) {
    if (c->tls) return tls_result(c, SSL_read(c->tls, buffer, size));
    return recv(c->fd, buffer, size, MSG_DONTWAIT);
}
#else
static ssize_t send_some(struct connection *c, const char *bytes, long size) {
    return send(c->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static ssize_t receive_some(struct connection *c, char *buffer, long size) {
    return recv(c->fd, buffer, size, MSG_DONTWAIT);
}
#endif

/* No wait for EPOLLOUT is needed: as long as something is unsent, the server has bytes to give back, and each time that
 * some come back there is room again. */
static void push(struct connection *c) {
    while (c->sent < total) {
        ssize_t n = send_some(c, message + c->sent, total - c->sent);
        if (n < 0 && errno == EAGAIN) return;
        if (n < 0) die("cannot send: %s", strerror(errno));
        c->sent += n;
    }
}

static void start_round(struct connection *c) {
    c->sent = c->received = 0;
    push(c);
}

static void open_connection(struct connection *c) {
    int one = 1;
    c->started = now();
    c->fd = socket(AF_INET, socket_type, 0);
    if (c->fd < 0) die("no socket: %s", strerror(errno));
    if (connect(c->fd, (struct sockaddr *)&server, sizeof server)) die("cannot connect: %s", strerror(errno));
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
#ifdef WITH_TLS
    begin_tls(c);
#endif
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &event)) die("epoll_ctl: %s", strerror(errno));
}

/* With a reset: a close in the usual way leaves the port in TIME_WAIT, and after some 28,000 connections there is none. */
static void reset_connection(struct connection *c) {
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(c->fd);
}

/* Takes what has come; true when the round is complete. */
static int take(struct connection *c, char *buffer) {
    ssize_t n = receive_some(c, buffer, READ_SIZE);
    if (n < 0 && errno == EAGAIN) return 0;
    if (n < 0) die("cannot read: %s", strerror(errno));
    if (n == 0) die("the server closed a connection");
    if (c->received + n > total || memcmp(buffer, message + c->received, n)) die("the server did not send back what it got");
    c->received += n;
    push(c);
    return c->received == total;
}

static int by_value(const void *a, const void *b) {
    double difference = *(const double *)a - *(const double *)b;
    return (difference > 0) - (difference < 0);
}

int main(int argc, char **argv) {
    if (argc != 9) {
        fputs("usage: load PORT PID echo|lines|int32|connect|udp|tls CONNECTIONS SIZE DEPTH WARMUP SECONDS\n", stderr);
        return 64;
    }
    int lines = !strcmp(argv[3], "lines"), int32 = !strcmp(argv[3], "int32"), churn = !strcmp(argv[3], "connect");
    if (!strcmp(argv[3], "udp")) socket_type = SOCK_DGRAM;
    if (!strcmp(argv[3], "tls")) {
#ifdef WITH_TLS
        tls_context = SSL_CTX_new(TLS_client_method());
        if (!tls_context) die("OpenSSL gives no context");
        SSL_CTX_set_mode(tls_context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
#else
        die("this program was built without TLS");
#endif
    }
    int count = atoi(argv[4]), size = atoi(argv[5]), depth = atoi(argv[6]);
    double warmup = atof(argv[7]), seconds = atof(argv[8]);
    if (count < 1 || depth < 1 || size < (lines ? 2 : int32 ? 4 : 1)) die("CONNECTIONS, SIZE or DEPTH is too small");

    clockid_t server_clock;
    int error = clock_getcpuclockid(atoi(argv[2]), &server_clock);
    if (error) die("no CPU clock of process %s: %s", argv[2], strerror(error));
    server = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    total = (long)size * depth;
    message = malloc(total);
    char *buffer = malloc(READ_SIZE);
    double *samples = malloc(sizeof *samples * SAMPLES);
    struct connection *connections = calloc(count, sizeof *connections);
    if (!message || !buffer || !samples || !connections) die("out of memory");
    for (long i = 0; i < total; i++) message[i] = 'a' + i % 23;
    for (long i = size; lines && i <= total; i += size) memcpy(message + i - 2, "\r\n", 2);

    uint32_t length = htonl(size - 4);
    for (long i = 0; int32 && i < total; i += size) memcpy(message + i, &length, 4);

    epoll_fd = epoll_create1(0);
    for (int i = 0; i < count; i++) {
        open_connection(&connections[i]);
        start_round(&connections[i]);
    }

    double begin = now() + warmup, end = begin + seconds, server_cpu = 0, load_cpu = 0;
    long rounds = 0, sampled = 0;
    int counting = 0;
    struct epoll_event events[EVENTS];
    for (;;) {
        double moment = now();
        if (!counting && moment >= begin) {
            counting = 1;
            begin = moment;
            end = begin + seconds;
            server_cpu = read_clock(server_clock);
            load_cpu = read_clock(CLOCK_PROCESS_CPUTIME_ID);
        }
        if (counting && moment >= end) break;
        int ready = epoll_wait(epoll_fd, events, EVENTS, PATIENCE_MS);
        if (ready == 0) die("no answer for %d seconds", PATIENCE_MS / 1000);
        for (int i = 0; i < ready; i++) {
            struct connection *c = events[i].data.ptr;
            if (!take(c, buffer)) continue;
            double done = now();
            if (counting) {
                rounds++;
                if (sampled < SAMPLES) samples[sampled++] = done - c->started;
            }
            if (churn) {
                reset_connection(c);
                open_connection(c);
            } else {
                c->started = done;
            }
            start_round(c);
        }
    }
    double took = now() - begin;
    server_cpu = read_clock(server_clock) - server_cpu;
    load_cpu = read_clock(CLOCK_PROCESS_CPUTIME_ID) - load_cpu;
    if (!rounds) die("not one round was complete within %g seconds", seconds);
    qsort(samples, sampled, sizeof *samples, by_value);
    double messages = (double)rounds * depth;
    printf("{\"per_second\": %.1f, \"cpu_us\": %.4f, \"server_busy\": %.3f, \"load_busy\": %.3f, \"p50_us\": %.1f, \"p99_us\": %.1f}\n",
           messages / took, server_cpu / messages * 1e6, server_cpu / took, load_cpu / took,
           samples[sampled / 2] * 1e6, samples[(long)(sampled * 0.99)] * 1e6);
    return 0;
}
