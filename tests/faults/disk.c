/* disk.so: what a process does to the files of one directory, on record; and the faults of a disk, on demand.
 *
 * Preloaded (LD_PRELOAD) into a process, it stands between its C library and whoever changes files: SQLite as well as
 * Python. Each change of a file directly in $DISK_DIRECTORY is appended to $DISK_LOG before the call returns, in the
 * order in which they happened; mapped memory is not seen (SQLite maps only its -shm, which it makes anew).
 *
 * A record is a header of 24 bytes in the machine's byte order, then what the header counts:
 *
 *     u32 kind, u32 size, u64 inode, i64 offset, then `size` bytes
 *
 *     C created        the name              W written at `offset`    the bytes
 *     T cut to `offset`                      S synced                 F sync failed
 *     U name removed   the name              D directory synced
 *     R renamed        both names, with a zero byte between them
 *
 * $DISK_FAULT is "<what>:<number>:<errno>": the call of that number, counted from 1 over all of its kind (`write`:
 * writes and cuts; `sync`: files and directories; `any`: all of them and removals), fails with that errno, as does each
 * one after it when the errno has a + behind it. "kill:<number>:0" ends the process instead, at once and before that
 * call; "written:<number>:0" behind it. Calls on the file `marks`, in which a test says how far it is, are on record
 * but are not counted and never fail.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

struct header {
    uint32_t kind, size;
    uint64_t inode;
    int64_t offset;
};

enum { WRITE = 1, SYNC = 2, OTHER = 4 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char directory[PATH_MAX];
static size_t directory_size;
static int log_descriptor = -1, fault_errno, fault_lasts, fault_kinds, fault_kills; /* kills: 1 before, 2 behind */
static long fault_at, counted;

static int (*real_open)(const char *, int, ...);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_unlink)(const char *);
static int (*real_rename)(const char *, const char *);

static void read_fault(const char *text) {
    char what[16];
    int from = 0;
    if (sscanf(text, "%15[a-z]:%ld:%d%n", what, &fault_at, &fault_errno, &from) < 3) abort();
    fault_lasts = text[from] == '+';
    fault_kills = !strcmp(what, "kill") ? 1 : !strcmp(what, "written") ? 2 : 0;
    fault_kinds = !strcmp(what, "write") ? WRITE : !strcmp(what, "sync") ? SYNC : WRITE | SYNC | OTHER;
}

__attribute__((constructor)) static void begin(void) {
    real_open = dlsym(RTLD_NEXT, "open64");
    real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    real_write = dlsym(RTLD_NEXT, "write");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_unlink = dlsym(RTLD_NEXT, "unlink");
    real_rename = dlsym(RTLD_NEXT, "rename");
    const char *where = getenv("DISK_DIRECTORY"), *log = getenv("DISK_LOG"), *fault = getenv("DISK_FAULT");
    if (!where || !log || !realpath(where, directory)) return;
    directory_size = strlen(directory);
    log_descriptor = real_open(log, O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0600);
    if (log_descriptor < 0) abort();
    if (fault && *fault) read_fault(fault);
}

/* The name of a file directly in the directory, "" for the directory itself, NULL for all others. */
static const char *name_of(const char *path) {
    if (!directory_size || strncmp(path, directory, directory_size)) return NULL;
    if (!path[directory_size]) return "";
    if (path[directory_size] != '/' || strchr(path + directory_size + 1, '/')) return NULL;
    return path + directory_size + 1;
}

static const char *name_at(int descriptor, char path[PATH_MAX]) {
    char link[40];
    if (!directory_size) return NULL;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t size = readlink(link, path, PATH_MAX - 1);
    if (size < 0) return NULL;
    path[size] = 0;
    return name_of(path);
}

static void record(uint32_t kind, int descriptor, int64_t offset, const void *bytes, size_t size) {
    struct stat found = {0};
    if (descriptor >= 0) fstat(descriptor, &found);
    struct header header = {kind, size, found.st_ino, offset};
    struct iovec parts[2] = {{&header, sizeof header}, {(void *)bytes, size}};
    if (writev(log_descriptor, parts, size ? 2 : 1) != (ssize_t)(sizeof header + size)) abort();
}

/* Whether this call is to fail; errno is set then. */
static int fails(const char *name, int kind) {
    if (!fault_at || !(fault_kinds & kind) || !strcmp(name, "marks")) return 0;
    counted++;
    if (counted != fault_at && !(fault_lasts && counted > fault_at)) return 0;
    if (fault_kills == 1) _exit(137);
    errno = fault_errno;
    return !fault_kills;
}

static void done(const char *name) {
    if (fault_kills == 2 && counted == fault_at && strcmp(name, "marks")) _exit(137);
}

static int opened(const char *path, int flags, mode_t mode) {
    char full[PATH_MAX], parent[PATH_MAX];
    const char *name = NULL, *last = strrchr(path, '/');
    if ((flags & O_CREAT) && directory_size) {
        snprintf(full, sizeof full, "%.*s", last ? (int)(last - path) : 1, last ? path : ".");
        if (realpath(full, parent) && snprintf(full, sizeof full, "%s/%s", parent, last ? last + 1 : path) < PATH_MAX)
            name = name_of(full);
    }
    int created = name && *name && access(full, F_OK);
    pthread_mutex_lock(&lock);
    int descriptor = real_open(path, flags, mode);
    if (created && descriptor >= 0) record('C', descriptor, 0, name, strlen(name));
    pthread_mutex_unlock(&lock);
    return descriptor;
}

int open64(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    return opened(path, flags, mode);
}

int open(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(more, mode_t) : 0;
    va_end(more);
    return opened(path, flags, mode);
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t size, off_t offset) {
    char path[PATH_MAX];
    const char *name = name_at(descriptor, path);
    if (!name) return real_pwrite(descriptor, bytes, size, offset);
    pthread_mutex_lock(&lock);
    ssize_t written = fails(name, WRITE) ? -1 : real_pwrite(descriptor, bytes, size, offset);
    if (written > 0) record('W', descriptor, offset, bytes, written);
    done(name);
    pthread_mutex_unlock(&lock);
    return written;
}

ssize_t pwrite(int descriptor, const void *bytes, size_t size, off_t offset) {
    return pwrite64(descriptor, bytes, size, offset);
}

ssize_t write(int descriptor, const void *bytes, size_t size) {
    char path[PATH_MAX];
    const char *name = descriptor > 2 ? name_at(descriptor, path) : NULL;
    if (!name) return real_write(descriptor, bytes, size);
    pthread_mutex_lock(&lock);
    ssize_t written = fails(name, WRITE) ? -1 : real_write(descriptor, bytes, size);
    if (written > 0) record('W', descriptor, lseek(descriptor, 0, SEEK_CUR) - written, bytes, written);
    done(name);
    pthread_mutex_unlock(&lock);
    return written;
}

int ftruncate64(int descriptor, off_t size) {
    char path[PATH_MAX];
    const char *name = name_at(descriptor, path);
    if (!name) return real_ftruncate(descriptor, size);
    pthread_mutex_lock(&lock);
    int result = fails(name, WRITE) ? -1 : real_ftruncate(descriptor, size);
    if (!result) record('T', descriptor, size, NULL, 0);
    done(name);
    pthread_mutex_unlock(&lock);
    return result;
}

int ftruncate(int descriptor, off_t size) { return ftruncate64(descriptor, size); }

static int synced(int descriptor, int (*sync)(int)) {
    char path[PATH_MAX];
    const char *name = name_at(descriptor, path);
    if (!name) return sync(descriptor);
    pthread_mutex_lock(&lock);
    int failed = fails(name, SYNC);
    /* The kernel has forgotten what it could not write: the next sync says that all is well. */
    record(failed ? 'F' : *name ? 'S' : 'D', descriptor, 0, NULL, 0);
    done(name);
    pthread_mutex_unlock(&lock);
    return failed ? -1 : 0; /* the disk of a test needs no real sync */
}

int fsync(int descriptor) { return synced(descriptor, real_fsync); }
int fdatasync(int descriptor) { return synced(descriptor, real_fdatasync); }

int unlink(const char *path) {
    char full[PATH_MAX];
    const char *name = directory_size && realpath(path, full) ? name_of(full) : NULL;
    if (!name) return real_unlink(path);
    pthread_mutex_lock(&lock);
    int result = fails(name, OTHER) ? -1 : real_unlink(path);
    if (!result) record('U', -1, 0, name, strlen(name));
    done(name);
    pthread_mutex_unlock(&lock);
    return result;
}

int rename(const char *from, const char *to) {
    char full[PATH_MAX], both[2 * NAME_MAX + 2];
    const char *name = directory_size && realpath(from, full) ? name_of(full) : NULL;
    if (!name) return real_rename(from, to);
    const char *last = strrchr(to, '/');
    size_t first = strlen(name) + 1, size = first + strlen(last ? last + 1 : to);
    snprintf(both, sizeof both, "%s%c%s", name, 0, last ? last + 1 : to);
    pthread_mutex_lock(&lock);
    int result = fails(name, OTHER) ? -1 : real_rename(from, to);
    if (!result) record('R', -1, 0, both, size);
    done(name);
    pthread_mutex_unlock(&lock);
    return result;
}
