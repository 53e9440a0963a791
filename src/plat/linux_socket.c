// Linux sockets: TCP, poll, epoll and eventfd; see socket.h and poller.h.

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "plat/plat_ops.h"
#include "plat/socket.h"

#define LISTEN_BACKLOG 511
#define POLL_FEW       8   // Events that need no memory.
#define EPOLL_BATCH    64  // Events of one call.

// Repeats a call that a signal interrupted; the result, or minus the errno.
#define RETRY(ret, call)                   \
    do {                                   \
        (ret) = (call);                    \
    } while ((ret) < 0 && errno == EINTR); \
    (ret) = (ret) < 0 ? -errno : (ret)

typedef struct socket_address {
    struct sockaddr_storage storage;
    socklen_t bytes;
} socket_address;

// The n-th address of a host; 0 or minus an errno with *ret_reason when the name is the trouble.
static int resolve(const char *host, uint16_t port, uint32_t nth, socket_address *ret,
                   const char **ret_reason) {
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char service[8] = "";
    mr_text text;
    mr_text_init(&text, NULL);
    mr_text_addf(&text, "%u", port);
    memcpy(service, mr_text_string(&text), text.bytes + 1);
    mr_text_release(&text);
    int error = getaddrinfo(host, service, &hints, &found);
    if (error != 0) {
        *ret_reason = gai_strerror(error);
        return -EHOSTUNREACH;
    }
    const struct addrinfo *at = found;
    for (uint32_t i = 0; i < nth && at != NULL; i++) {
        at = at->ai_next;
    }
    if (at != NULL) {
        memcpy(&ret->storage, at->ai_addr, at->ai_addrlen);
        ret->bytes = at->ai_addrlen;
    }
    freeaddrinfo(found);
    return at == NULL ? -EADDRNOTAVAIL : 0;
}

static uint16_t port_of(const struct sockaddr_storage *address) {
    return ntohs(address->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)address)->sin6_port
                                                : ((const struct sockaddr_in *)address)->sin_port);
}

// "127.0.0.1" also where a socket for both families shows "::ffff:127.0.0.1".
static void host_print(const struct sockaddr_storage *address, char *ret, size_t bytes) {
    ret[0] = '\0';
    if (address->ss_family != AF_INET6) {
        const struct in_addr *four = &((const struct sockaddr_in *)address)->sin_addr;
        (void)inet_ntop(AF_INET, four, ret, (socklen_t)bytes);
        return;
    }
    const struct in6_addr *six = &((const struct sockaddr_in6 *)address)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(six)) {
        (void)inet_ntop(AF_INET, &six->s6_addr[12], ret, (socklen_t)bytes);
    } else {
        (void)inet_ntop(AF_INET6, six, ret, (socklen_t)bytes);
    }
}

static void set_on(int fd, int level, int option) {
    int on = 1;
    (void)setsockopt(fd, level, option, &on, sizeof(on));
}

static int linux_connect(mr_plat *plat, const char *host, uint16_t port, uint32_t address,
                         const char **ret_reason) {
    (void)plat;
    socket_address to;
    int error = resolve(host, port, address, &to, ret_reason);
    if (error < 0) {
        return error;
    }
    int fd = socket(to.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    set_on(fd, IPPROTO_TCP, TCP_NODELAY);
    set_on(fd, SOL_SOCKET, SO_KEEPALIVE);
    int done;
    RETRY(done, connect(fd, (struct sockaddr *)&to.storage, to.bytes));
    if (done < 0 && done != -EINPROGRESS) {
        close(fd);
        return done;
    }
    return fd;
}

static int linux_connected(mr_plat *plat, int handle) {
    (void)plat;
    int error = 0;
    socklen_t bytes = sizeof(error);
    if (getsockopt(handle, SOL_SOCKET, SO_ERROR, &error, &bytes) < 0) {
        return -errno;
    }
    return -error;
}

static int linux_listen(mr_plat *plat, const char *host, uint16_t port, uint16_t *ret_port,
                        const char **ret_reason) {
    (void)plat;
    socket_address at;
    int error = resolve(host, port, /* nth= */ 0, &at, ret_reason);
    if (error < 0) {
        return error;
    }
    int fd = socket(at.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -errno;
    }
    set_on(fd, SOL_SOCKET, SO_REUSEADDR);
    if (bind(fd, (struct sockaddr *)&at.storage, at.bytes) < 0 || listen(fd, LISTEN_BACKLOG) < 0 ||
        getsockname(fd, (struct sockaddr *)&at.storage, &at.bytes) < 0) {
        error = -errno;
        close(fd);
        return error;
    }
    *ret_port = port_of(&at.storage);
    return fd;
}

// A socket in the file system; 0 or minus an errno.
static int file_address(const char *path, struct sockaddr_un *ret) {
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    size_t bytes = strlen(path);
    if (bytes >= sizeof(ret->sun_path)) {
        return -ENAMETOOLONG;
    }
    memcpy(ret->sun_path, path, bytes);
    return 0;
}

static int linux_connect_file(mr_plat *plat, const char *path) {
    (void)plat;
    struct sockaddr_un to;
    int error = file_address(path, &to);
    int fd = error < 0 ? error : socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return error < 0 ? error : -errno;
    }
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
        error = -errno;
        close(fd);
        return error;
    }
    return fd;
}

static int linux_listen_file(mr_plat *plat, const char *path) {
    (void)plat;
    struct sockaddr_un at;
    int error = file_address(path, &at);
    int fd = error < 0 ? error : socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return error < 0 ? error : -errno;
    }
    (void)unlink(path);
    if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || chmod(path, S_IRUSR | S_IWUSR) < 0 ||
        listen(fd, LISTEN_BACKLOG) < 0) {
        error = -errno;
        close(fd);
        return error;
    }
    return fd;
}

static int linux_accept(mr_plat *plat, int handle, char *ret_host, size_t host_bytes,
                        uint16_t *ret_port) {
    (void)plat;
    struct sockaddr_storage from = {0};
    socklen_t bytes = sizeof(from);
    int fd;
    RETRY(fd, accept4(handle, (struct sockaddr *)&from, &bytes, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd < 0) {
        return fd == -ECONNABORTED ? -EAGAIN : fd;
    }
    set_on(fd, IPPROTO_TCP, TCP_NODELAY);
    set_on(fd, SOL_SOCKET, SO_KEEPALIVE);  // A host that is gone is found out.
    host_print(&from, ret_host, host_bytes);
    *ret_port = port_of(&from);
    return fd;
}

static int64_t linux_send(mr_plat *plat, int handle, mr_span data) {
    (void)plat;
    int64_t ret;
    RETRY(ret, send(handle, data.data, data.bytes, MSG_NOSIGNAL));
    return ret;
}

static int64_t linux_send_parts(mr_plat *plat, int handle, const mr_span *parts, size_t count,
                                bool more) {
    (void)plat;
    struct iovec list[MR_SOCKET_PARTS_MAX];
    for (size_t i = 0; i < count; i++) {
        list[i] =
            (struct iovec){.iov_base = (void *)(uintptr_t)parts[i].data, .iov_len = parts[i].bytes};
    }
    struct msghdr message = {.msg_iov = list, .msg_iovlen = count};
    int64_t ret;
    RETRY(ret, sendmsg(handle, &message, MSG_NOSIGNAL | (more ? MSG_MORE : 0)));
    return ret;
}

static int linux_local(mr_plat *plat, int handle, char *ret_host, size_t host_bytes,
                       uint16_t *ret_port) {
    (void)plat;
    struct sockaddr_storage at = {0};
    socklen_t bytes = sizeof(at);
    if (getsockname(handle, (struct sockaddr *)&at, &bytes) < 0) {
        return -errno;
    }
    host_print(&at, ret_host, host_bytes);
    *ret_port = port_of(&at);
    return 0;
}

static int64_t linux_send_file(mr_plat *plat, int handle, int file, uint64_t offset, size_t bytes) {
    (void)plat;
    int64_t ret;
    off_t at = (off_t)offset;
    RETRY(ret, sendfile(handle, file, &at, bytes));
    return ret;
}

static int64_t linux_receive(mr_plat *plat, int handle, void *data, size_t bytes) {
    (void)plat;
    int64_t ret;
    RETRY(ret, recv(handle, data, bytes, 0));
    return ret;
}

static void linux_receive_low(mr_plat *plat, int handle, size_t bytes) {
    (void)plat;
    int low = (int)bytes;
    (void)setsockopt(handle, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof(low));
}

static int linux_poll(mr_plat *plat, mr_socket_event *events, size_t count, int64_t timeout_us) {
    (void)plat;
    struct pollfd few[POLL_FEW];
    struct pollfd *list = count <= POLL_FEW ? few : mr_heap_raw(sizeof(struct pollfd) * count);
    for (size_t i = 0; i < count; i++) {
        list[i] = (struct pollfd){
            .fd = events[i].handle,
            .events = (short)((events[i].read ? POLLIN : 0) | (events[i].write ? POLLOUT : 0))};
    }
    struct timespec limit = {timeout_us / 1000000, timeout_us % 1000000 * 1000};
    int ready;
    RETRY(ready, ppoll(list, (nfds_t)count, timeout_us < 0 ? NULL : &limit, NULL));
    for (size_t i = 0; i < count && ready >= 0; i++) {
        short got = list[i].revents;
        bool broken = (got & (POLLERR | POLLHUP | POLLNVAL)) != 0;
        events[i].readable = events[i].read && ((got & POLLIN) != 0 || broken);
        events[i].writable = events[i].write && ((got & POLLOUT) != 0 || broken);
    }
    if (list != few) {
        mr_heap_free(list);
    }
    return ready;
}

static int linux_poller_open(mr_plat *plat) {
    (void)plat;
    int fd = epoll_create1(EPOLL_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int linux_poller_set(mr_plat *plat, int poller, const mr_plat_interest *interest) {
    (void)plat;
    struct epoll_event event = {.data.ptr = interest->token};
    event.events |= (interest->wishes & MR_POLLER_END) != 0 ? EPOLLRDHUP : 0;
    event.events |= (interest->wishes & MR_POLLER_READ) != 0 ? EPOLLIN : 0;
    event.events |= (interest->wishes & MR_POLLER_WRITE) != 0 ? EPOLLOUT : 0;
    int operation = interest->add ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    return epoll_ctl(poller, operation, interest->handle, &event) < 0 ? -errno : 0;
}

static int linux_poller_wait(mr_plat *plat, int poller, mr_poller_event *events, size_t count,
                             int64_t timeout_us) {
    (void)plat;
    struct epoll_event list[EPOLL_BATCH];
    int most = (int)MR_MIN(count, EPOLL_BATCH);
    int64_t timeout_ms = timeout_us < 0 ? -1 : MR_MIN((timeout_us + 999) / 1000, INT32_MAX);
    int ready;
    RETRY(ready, epoll_wait(poller, list, most, (int)timeout_ms));
    for (int i = 0; i < ready; i++) {
        uint32_t got = list[i].events;
        events[i] = (mr_poller_event){
            .token = list[i].data.ptr,
            .readable = (got & EPOLLIN) != 0,
            .writable = (got & EPOLLOUT) != 0,
            .ended = (got & EPOLLRDHUP) != 0,
            .broken = (got & (EPOLLHUP | EPOLLERR)) != 0,
        };
    }
    return ready;
}

static void linux_close(mr_plat *plat, int handle) {
    (void)plat;
    close(handle);
}

static int linux_wake_open(mr_plat *plat) {
    (void)plat;
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static void linux_wake_signal(mr_plat *plat, int handle) {
    (void)plat;
    int64_t ret;
    RETRY(ret, write(handle, &(uint64_t){1}, sizeof(uint64_t)));  // Full: it is signalled already.
}

static void linux_wake_clear(mr_plat *plat, int handle) {
    (void)plat;
    uint64_t count;
    int64_t ret;
    RETRY(ret, read(handle, &count, sizeof(count)));
}

const mr_plat_sockets mr_linux_socket_ops = {
    .connect = linux_connect,
    .connected = linux_connected,
    .listen = linux_listen,
    .connect_file = linux_connect_file,
    .listen_file = linux_listen_file,
    .accept = linux_accept,
    .send = linux_send,
    .send_parts = linux_send_parts,
    .local = linux_local,
    .send_file = linux_send_file,
    .receive = linux_receive,
    .receive_low = linux_receive_low,
    .poll = linux_poll,
    .poller_open = linux_poller_open,
    .poller_set = linux_poller_set,
    .poller_wait = linux_poller_wait,
    .close = linux_close,
    .wake_open = linux_wake_open,
    .wake_signal = linux_wake_signal,
    .wake_clear = linux_wake_clear,
    .networks = mr_linux_networks,
};
