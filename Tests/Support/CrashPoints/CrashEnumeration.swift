import Store

/// What is started again and again on what crashes leave.
package protocol CrashSubject: Sendable {
    /// Somebody was told something, before whatever comes next.
    mutating func take(_ note: RecordingDisk.Note)

    /// Starts on what `crash` has left of `image`, and looks.
    ///
    /// - Throws: What is wrong.
    mutating func restart(
        _ left: FolderImage.Remains, of image: FolderImage, after crash: FolderImage.Crash,
        _ figures: inout CrashFigures
    ) async throws
}

package struct CrashFigures: Sendable {
    /// Calls to the disk in the trace.
    package var calls = 0
    /// Places in the trace, and within writes, at which it was cut.
    package var cuts = 0
    package var restarts = 0
    /// Restarts that were cut in turn, or went on in a whole cluster.
    package var restartsDeep = 0
    package var problems: [String] = []
}

/// Cuts a trace at every point at which a crash could, and starts a subject on what each may leave.
package struct CrashEnumeration<Subject: CrashSubject>: Sendable {
    package private(set) var figures = CrashFigures()
    private let steps: [RecordingDisk.Step]
    private var subject: Subject
    /// Of so many restarts that could be made one is.
    private let every: Int
    private var generator: SplitMix
    private var candidates = 0
    private var image = FolderImage()
    /// Told where it is, before each restart.
    private let progress: @Sendable (String) -> Void

    /// - Parameter every: 1 for all of it.
    package init(
        _ steps: [RecordingDisk.Step], _ subject: Subject, every: Int, seed: UInt64,
        progress: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        (self.steps, self.subject, self.every, self.progress) = (steps, subject, every, progress)
        generator = SplitMix(state: seed)
    }

    package mutating func run() async throws {
        for (place, step) in steps.enumerated() {
            if case .note(let note) = step {
                subject.take(note)
                continue
            }
            figures.calls += 1
            try await crash("before step \(place)")
            try await cut(step, at: place)
            image.apply(step)
        }
        try await crash("at the end")
    }

    /// Everything that a crash may leave now.
    private mutating func crash(_ cut: String) async throws {
        figures.cuts += 1
        let now = image
        await start(cut, now, .process)
        guard !now.isSynced else { return }
        await start(cut, now, .power(namesAreKept: false))
        await start(cut, now, .power(namesAreKept: true))
        for _ in 1...2 { await start(cut, now, .powerInParts) }
    }

    /// Cuts a call in the middle.
    private mutating func cut(_ step: RecordingDisk.Step, at place: Int) async throws {
        switch step {
        case .create(let name, let file, let bytes) where bytes > 0:
            for some in [0, bytes / 2] {
                figures.cuts += 1
                var left = image
                left.create(name, file, some)
                await start("in step \(place) after \(some) bytes", left, .process)
            }
        case .write(let file, let offset, let bytes):
            let sector = FolderImage.sectorBytes
            var end = (offset / sector + 1) * sector
            while end < offset + bytes.count {
                figures.cuts += 1
                var left = image
                left.write(bytes[..<(end - offset)], to: file, at: offset)
                let cut = "in step \(place) after \(end - offset) bytes"
                await start(cut, left, .process)
                await start(cut, left, .powerInParts)
                end += sector
            }
        default: break
        }
    }

    private mutating func start(
        _ cut: String, _ image: FolderImage, _ crash: FolderImage.Crash
    ) async {
        candidates += 1
        guard candidates % every == 0 else { return }
        progress("\(cut), \(crash)")
        let left = image.left(by: crash, using: &generator)
        do { try await subject.restart(left, of: image, after: crash, &figures) } catch {
            figures.problems.append("\(cut), \(crash): \(error)")
        }
    }
}

/// A store of one member.
package struct CrashedStore: CrashSubject {
    private let model: TraceModel
    private var expected: TraceExpectation
    private let folder: Folder
    /// Of so many restarts one is cut in turn.
    private let everyCut: Int
    private var generator: SplitMix

    package init(_ trace: CrashTrace, everyCut: Int = 50, seed: UInt64) throws {
        (model, self.everyCut) = (trace.model, everyCut)
        expected = TraceExpectation(trace.operations)
        folder = try Folder()
        generator = SplitMix(state: seed)
    }

    package mutating func take(_ note: RecordingDisk.Note) { expected.take(note) }

    package mutating func restart(
        _ left: FolderImage.Remains, of image: FolderImage, after crash: FolderImage.Crash,
        _ figures: inout CrashFigures
    ) async throws {
        figures.restarts += 1
        let restart = Restart(folder: folder, model: model, expected: expected)
        try await restart.run(left)
        guard figures.restarts % everyCut == 0 else { return }
        figures.restartsDeep += 1
        // After a crash of the process alone, what was not synced still is not.
        var start = image
        if case .process = crash {} else { start = FolderImage(left: left) }
        try folder.fill(with: left)
        try await cut(restart, start, &figures)
    }

    /// Cuts a start, and starts again.
    private mutating func cut(
        _ restart: Restart, _ start: FolderImage, _ figures: inout CrashFigures
    ) async throws {
        var image = start
        let disk = RecordingDisk(folder: folder.path, with: image)
        let revision = try await restart.begin(on: disk, noting: disk)
        var again = SecondRestart(restart: restart, revision: revision)
        for (place, step) in disk.steps.enumerated() {
            if case .note(let note) = step {
                again.take(note)
                continue
            }
            image.apply(step)
            let crashes: [FolderImage.Crash] = image.isSynced
                ? [.process] : [.process, .power(namesAreKept: false), .powerInParts]
            for crash in crashes {
                figures.restarts += 1
                do { try again.run(image.left(by: crash, using: &generator)) } catch {
                    throw Restart.Problem(
                        description: "again after step \(place) of the start, \(crash): \(error)")
                }
            }
        }
    }
}

/// A member of three.
package struct CrashedMember: CrashSubject {
    private var restart: MemberRestart
    /// Of so many restarts one goes on with the other members.
    private let everyTogether: Int

    package init(_ trace: MemberTrace, everyTogether: Int = 50) throws {
        self.everyTogether = everyTogether
        restart = MemberRestart(
            trace: trace, folders: try (0...TracedMembers.traced).map { _ in try Folder() })
    }

    package mutating func take(_ note: RecordingDisk.Note) { restart.take(note) }

    package mutating func restart(
        _ left: FolderImage.Remains, of image: FolderImage, after crash: FolderImage.Crash,
        _ figures: inout CrashFigures
    ) async throws {
        figures.restarts += 1
        try restart.run(left)
        guard figures.restarts % everyTogether == 0 else { return }
        figures.restartsDeep += 1
        try await restart.runTogether(left)
    }
}
