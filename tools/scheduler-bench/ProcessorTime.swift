internal import Glibc

/// Processor time of this process, which has one thread: what others do on the machine does not
/// count.
func processorTime() -> Duration {
    var time = timespec()
    // Can't fail: the clock exists and the address is good.
    unsafe _ = clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
}
