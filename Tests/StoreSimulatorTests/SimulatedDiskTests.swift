import StoreHistory
import Testing

@testable import StoreSimulator

@Suite("A simulated disk")
struct SimulatedDiskTests {
    let disk = SimulatedDisk()
    private static let ones = [UInt8](repeating: 1, count: 1024)
    private static let twos = [UInt8](repeating: 2, count: 1024)

    @discardableResult
    private func run(_ commands: DiskCommand..., seed: UInt64 = 1) -> DiskResult {
        var random = SeededRandom(seed: seed)
        return commands.map { disk.carryOut($0, &random).result }.last ?? .done
    }

    @discardableResult
    private func crash(_ loss: SimulatedDisk.Loss, seed: UInt64 = 1) -> Bool {
        var random = SeededRandom(seed: seed)
        return disk.crash(loss, underway: nil, &random)
    }

    /// What the two sectors of `file` hold.
    private func sectors(_ name: String = "file") -> [UInt8]? {
        disk.read(name, 0..<1024).map { [$0[0], $0[512]] }
    }

    private func makeFile() {
        run(.create("file", bytes: 1024), .sync("file"), .syncDirectory)
    }

    @Test func readsWhatWasWritten() {
        makeFile()
        run(.write("file", offset: 3, [7, 8]))
        #expect(disk.read("file", 2..<6) == [0, 7, 8, 0])
        #expect(disk.read("file", 1000..<1025) == nil)
        #expect(run(.write("file", offset: 1023, [1, 2])) == .failed(.missing))
    }

    @Test func keepsWhatWasSyncedAndLosesWhatWasNot() {
        makeFile()
        run(.write("file", offset: 0, Self.ones), .sync("file"))
        run(.write("file", offset: 0, Self.twos))
        crash(.unsynced)
        #expect(sectors() == [1, 1])
    }

    @Test func tellsNamesOfNewFilesFromThoseOfFilesThatHadOthers() {
        #expect(disk.unsyncedNamesKind == .none)
        run(.create("file.new", bytes: 1024), .rename("file.new", to: "file"))
        #expect(disk.unsyncedNamesKind == .new)
        run(.syncDirectory)
        #expect(disk.unsyncedNamesKind == .none)
        run(.rename("file", to: "spare"))
        #expect(disk.unsyncedNamesKind == .moved)
    }

    @Test func keepsTheCacheWhenTheProcessAloneDies() {
        makeFile()
        run(.write("file", offset: 0, Self.ones))
        crash(.nothing)
        #expect(sectors() == [1, 1])
        crash(.unsynced)
        #expect(sectors() == [0, 0])
    }

    @Test func maySaveAnySectorsOfAnyWriteWhenTheyAreTorn() {
        var seen: Set<[UInt8]> = []
        for seed in 1...200 {
            makeFile()
            run(.write("file", offset: 0, Self.ones), .write("file", offset: 0, Self.twos))
            crash(.torn, seed: UInt64(seed))
            seen.insert(sectors() ?? [])
        }
        #expect(seen.count == 9)
    }

    @Test func losesNamesThatWereNotSynced() {
        makeFile()
        run(.create("new", bytes: 10), .sync("new"), .rename("file", to: "other"))
        crash(.unsynced)
        #expect(disk.names == ["file"])
        run(.rename("file", to: "other"), .syncDirectory, .remove("other"))
        crash(.unsynced)
        #expect(disk.names == ["other"])
    }

    @Test func doesNotSaveLaterWhatASyncFailedToSave() {
        makeFile()
        disk.failsNextSync = true
        run(.write("file", offset: 0, Self.ones))
        #expect(run(.sync("file")) == .failed(.io))
        #expect(run(.sync("file")) == .done)
        #expect(sectors() == [1, 1])
        crash(.unsynced)
        #expect(sectors() == [0, 0])
    }

    @Test func liesWhenItIsToldTo() {
        makeFile()
        disk.losesNextWrite = true
        #expect(run(.write("file", offset: 0, [9]), .sync("file")) == .done)
        #expect(sectors() == [0, 0])
        disk.misdirectsNextWrite = true
        #expect(run(.write("file", offset: 0, [9]), .sync("file")) == .done)
        #expect(disk.read("file", 0..<1) == [0])
        #expect(disk.read("file", 0..<1024)?.filter { $0 == 9 }.count == 1)
    }

    @Test func flipsOneBitOfWhatWasWrittenButNotLast() throws {
        makeFile()
        var random = SeededRandom(seed: 5)
        #expect(disk.rot(&random) == nil)
        run(.write("file", offset: 0, Self.ones), .sync("file"))
        // Nobody could tell it from a torn write.
        #expect(disk.rot(&random) == nil)
        run(.write("file", offset: 0, [1]), .sync("file"))
        let place = try #require(disk.rot(&random))
        let bytes = try #require(disk.read("file", 0..<1024))
        #expect(bytes.indices.filter { bytes[$0] != 1 } == [place.offset])
        #expect((bytes[place.offset] ^ 1).nonzeroBitCount == 1)
    }

    @Test func refusesNewFilesWhenItIsFull() {
        makeFile()
        disk.isFull = true
        #expect(run(.create("new", bytes: 1)) == .failed(.noSpace))
        #expect(run(.write("file", offset: 0, [1])) == .done)
    }
}

@Suite("Events")
struct EventQueueTests {
    @Test func comeInOrderOfTimeAndThenOfAddition() {
        var queue = EventQueue<Int>()
        var random = SeededRandom(seed: 9)
        let times = (0..<500).map { _ in Int64(random.below(50)) }
        for (place, time) in times.enumerated() { queue.add(place, at: Moment(time)) }
        var order: [Int] = []
        while let next = queue.takeNext() { order.append(next.event) }
        #expect(order == times.indices.sorted { (times[$0], $0) < (times[$1], $1) })
    }
}
