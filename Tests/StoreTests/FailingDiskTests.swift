import Store
import Synchronization
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Musl
#endif

/// The real disk, which fails when it is told to.
final class FailingDisk: Disk {
    enum Fault: Sendable { case none, sync, write, full }
    private let disk = PosixDisk()
    private let fault = Mutex(Fault.none)
    /// Who syncs while the disk stalls waits for it.
    private let stall = Mutex<Stall?>(nil)

    func fail(_ next: Fault) { fault.withLock { $0 = next } }

    /// From now on, no sync ends.
    func beginStall() { stall.withLock { $0 = $0 ?? Stall() } }

    func endStall() {
        stall.withLock { stall in
            stall?.end()
            stall = nil
        }
    }

    private func check(_ wanted: Fault, _ operation: String, code: Int32) throws(StoreError) {
        let now = fault.withLock { $0 }
        if case .none = now { return }
        guard "\(now)" == "\(wanted)" else { return }
        throw .system(operation: operation, file: "a failing disk", code: code)
    }

    func create(_ path: String, bytes: Int, isWritten: Bool) throws(StoreError) -> Int32 {
        try check(.full, "allocate", code: 28)
        return try disk.create(path, bytes: bytes, isWritten: isWritten)
    }
    func open(_ path: String) throws(StoreError) -> Int32 { try disk.open(path) }
    func write(_ bytes: RawSpan, to descriptor: Int32, at offset: Int) throws(StoreError) {
        try check(.write, "write", code: 5)
        try disk.write(bytes, to: descriptor, at: offset)
    }
    func sync(_ descriptor: Int32) throws(StoreError) {
        try check(.sync, "sync", code: 5)
        stall.withLock { $0 }?.wait()
        try disk.sync(descriptor)
    }
    func rename(_ path: String, to other: String) throws(StoreError) {
        try disk.rename(path, to: other)
    }
    func remove(_ path: String) throws(StoreError) { try disk.remove(path) }
    func syncDirectory(_ path: String) throws(StoreError) { try disk.syncDirectory(path) }
}

/// Something to wait for, without being told of it over and over: the end of a pipe.
private final class Stall: Sendable {
    private let (reading, writing): (Int32, Int32)

    init() {
        var ends: [Int32] = [0, 0]
        // Two descriptors are written, and there are two.
        precondition(unsafe pipe(&ends) == 0, "a pipe can be made")
        (reading, writing) = (ends[0], ends[1])
    }

    deinit { close(reading) }

    func wait() {
        var byte: UInt8 = 0
        // One byte is read at most, and the variable has one.
        while unsafe read(reading, &byte, 1) < 0, errno == EINTR {}
    }

    /// To be called once.
    func end() { close(writing) }
}

@Suite("When the disk fails")
struct FailingDiskTests {
    let scratch: Scratch
    let disk = FailingDisk()
    let store: Store
    let errors: FatalErrors

    init() throws {
        scratch = try Scratch()
        var options = StoreOptions()
        options.disk = disk
        let seen = FatalErrors()
        errors = seen
        options.onFatalError = { error in seen.note(error) }
        store = try Store.open(directory: scratch.path, options: options)
    }

    final class FatalErrors: Sendable {
        private let list = Mutex<[StoreError]>([])
        func note(_ error: StoreError) { list.withLock { $0.append(error) } }
        var all: [StoreError] { list.withLock { $0 } }
    }

    @Test(arguments: [FailingDisk.Fault.sync, .write])
    func nothingIsAcknowledgedAnyMore(_ fault: FailingDisk.Fault) async throws {
        try await store.put("a", "1")
        disk.fail(fault)
        await #expect(throws: StoreError.closed) { try await store.put("a", "2") }
        disk.fail(.none)
        await #expect(throws: StoreError.closed) { try await store.put("a", "3") }
        #expect(errors.all.count == 1)
        #expect(try store.text("a") == "1")
        #expect(store.revision == Revision(2))
        store.close()
    }

    @Test func fullPutsAreRefusedUntilSpaceIsGivenBack() async throws {
        let value = [UInt8](repeating: 1, count: 20_000)
        for number in 0..<10 { _ = try await store.put(.text("k\(number)"), value) }
        disk.fail(.full)
        var refusal: StoreError?
        for number in 10..<200 where refusal == nil {
            do throws(StoreError) { _ = try await store.put(.text("k\(number)"), value) } catch {
                refusal = error
            }
        }
        #expect(refusal == .noSpace)
        // Reads, deletes and compaction go on.
        #expect(try store.get(.text("k3"))?.value == value)
        _ = try await store.propose(Transaction(then: [.delete(.prefix(.text("k")))]))
        try await store.compact(at: store.revision)
        for _ in 0..<2000 { try await store.delete("nothing") }
        #expect(errors.all.isEmpty)
        // There is space again: puts go on by themselves.
        disk.fail(.none)
        try await putAgain(store)
        store.close()
    }

    /// Puts as soon as there is space again, which the store finds out by itself.
    private func putAgain(_ store: Store) async throws {
        while true {
            do throws(StoreError) {
                try await store.put("again", "1")
                return
            } catch {
                try #require(error == .noSpace)
                await Task.yield()
            }
        }
    }

    /// Gives all the space away that a full disk leaves, a delete at a time.
    private func exhaust(_ store: Store) async throws -> Int {
        for number in 0..<200_000 {
            do throws(StoreError) { try await store.delete("small-\(number)") } catch {
                #expect(error == .noSpace)
                return number
            }
        }
        throw StoreError.overloaded
    }

    private func small(_ errors: FatalErrors) -> StoreOptions {
        var options = StoreOptions()
        options.disk = disk
        options.segmentBytesMin = 64 * 1024
        options.segmentBytesMax = 64 * 1024
        options.onFatalError = { error in errors.note(error) }
        return options
    }

    @Test func fullDeletesAreRefusedOnceTheReserveIsGoneAndReadsGoOn() async throws {
        let (scratch, seen) = (try Scratch(), FatalErrors())
        let options = small(seen)
        var store = try Store.open(directory: scratch.path, options: options)
        let count = 20_000
        for start in stride(from: 0, to: count, by: 1000) {
            let puts = (start..<start + 1000).map {
                Operation.put(key: .text("small-\($0)"), value: .text("1"))
            }
            _ = try await store.propose(Transaction(then: puts))
        }
        disk.fail(.full)
        let deleted = try await exhaust(store)
        #expect(deleted > 100 && deleted < count)
        for _ in 1...2 {
            #expect(try store.text("small-\(count - 1)") == "1")
            #expect(try store.text("small-0") == nil)
            await #expect(throws: StoreError.noSpace) { try await store.put("a", "1") }
            // It starts again on a disk that is full, and holds the same.
            store.close()
            store = try Store.open(directory: scratch.path, options: options)
        }
        disk.fail(.none)
        try await putAgain(store)
        #expect(seen.all.isEmpty)
        #expect(try store.range(RangeQuery(.all)).count == count - deleted + 1)
        store.close()
    }

    /// Copies of what is alive are refused for want of space where a few bytes are not.
    @Test func fullNothingIsGivenBackThatHasNotBeenCopied() async throws {
        let (scratch, seen) = (try Scratch(), FatalErrors())
        let options = small(seen)
        var store = try Store.open(directory: scratch.path, options: options)
        let kept = [UInt8](repeating: 7, count: 12_000)
        let dead = [UInt8](repeating: 8, count: 20_000)
        for number in 0..<100 {
            _ = try await store.put(.text("kept-\(number)"), kept)
            _ = try await store.put(.text("dead"), dead)
            let puts = (100..<250).map {
                Operation.put(key: .text("small-\(number)-\($0)"), value: .text("1"))
            }
            _ = try await store.propose(Transaction(then: puts))
        }
        disk.fail(.full)
        // Large records use the space up, so that there is some left for a few bytes.
        var refusal: StoreError?
        for number in 0..<100 where refusal == nil {
            let prefix = KeyRange.prefix(.text("small-\(number)-"))
            do throws(StoreError) {
                _ = try await store.propose(Transaction(then: [.delete(prefix)]))
            } catch { refusal = error }
        }
        #expect(refusal == .noSpace)
        try await store.compact(at: store.revision)
        // Refused or not: what is alive stays, whatever the keeper of the house does meanwhile.
        let end = ContinuousClock.now + .milliseconds(500)
        while ContinuousClock.now < end {
            do throws(StoreError) { try await store.delete("none") } catch {
                #expect(error == .noSpace)
            }
        }
        for _ in 1...2 {
            for number in 0..<100 {
                #expect(try store.get(.text("kept-\(number)"))?.value == kept)
            }
            store.close()
            store = try Store.open(directory: scratch.path, options: options)
        }
        #expect(seen.all.isEmpty)
        store.close()
    }
}
