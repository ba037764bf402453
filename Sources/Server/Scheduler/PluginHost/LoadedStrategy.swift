internal import CSchedulerABI
internal import Glibc
internal import SchedulerEngine

/// An instance of a strategy with its configuration, checked and ready to be asked.
///
/// May be made on one thread and used on another, but by one at a time.
@safe public final class LoadedStrategy: @unchecked Sendable {
    private static let errorBytesMax = 256

    let image: PluginImage
    private let instance: UnsafeMutableRawPointer?

    public var id: String { image.id }
    public var version: String { image.version }
    /// Of the file it was loaded from, in hexadecimal.
    public var sha256: String { image.sha256 }

    /// Makes an instance and has it test itself.
    ///
    /// - Parameter config: JSON.
    init(_ image: PluginImage, config: [UInt8]) throws(PluginRefusal) {
        self.image = image
        let table = unsafe image.table.pointee
        var instance: UnsafeMutableRawPointer?
        var error = [CChar](repeating: 0, count: Self.errorBytesMax)
        let made = unsafe config.withUnsafeBytes { bytes in
            unsafe table.create(bytes.baseAddress?.assumingMemoryBound(to: CChar.self),
                                UInt64(bytes.count), &instance, &error, UInt64(error.count - 1))
        }
        guard made == MARTLET_OK else {
            throw PluginRefusal(id: image.id, reason: "strategy \(image.id) refuses its "
                + "configuration: \(Self.sentence(error))")
        }
        unsafe self.instance = unsafe instance
        guard let selfTest = unsafe table.self_test else { return }
        let tested = unsafe selfTest(instance, &error, UInt64(error.count - 1))
        guard tested == MARTLET_OK else {
            throw PluginRefusal(id: image.id, reason: "strategy \(image.id) fails its own test: "
                + Self.sentence(error))
        }
    }

    deinit { unsafe image.table.pointee.destroy?(instance) }

    private static func sentence(_ error: [CChar]) -> String {
        let bytes = error.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        return bytes.isEmpty ? "it gives no reason" : String(decoding: bytes, as: UTF8.self)
    }

    var reads: UInt64 { unsafe image.table.pointee.capabilities }
    var narrows: Bool { unsafe image.table.pointee.filter != nil }

    /// - Returns: whether it answered.
    func narrow(_ question: StrategyQuestion, _ feasible: UnsafeMutablePointer<UInt8>) -> Bool {
        guard let filter = unsafe image.table.pointee.filter else { return true }
        return unsafe filter(instance, question.nodes, question.pod, feasible) == MARTLET_OK
    }

    /// Asks for all scores, or only for those of the nodes that changed where it can do that.
    func score(_ question: StrategyQuestion) -> Bool {
        let table = unsafe image.table.pointee
        if let dirty = question.dirty, let rescore = unsafe table.rescore {
            let answer = unsafe rescore(instance, question.nodes, question.pod, dirty,
                                        UInt32(dirty.count), question.scores)
            if answer != MARTLET_ASK_AGAIN { return answer == MARTLET_OK }
        }
        return unsafe table.score(instance, question.nodes, question.pod, question.scores)
            == MARTLET_OK
    }

    /// Asks for all scores beside the strategy that decides, which has notes of its own.
    func score(_ question: StrategyQuestion, into scores: UnsafeMutablePointer<Int32>,
               notes: UnsafeMutablePointer<Int32>) -> Bool {
        var pod = unsafe question.pod.pointee
        unsafe pod.notes = unsafe notes
        return unsafe image.table.pointee.score(instance, question.nodes, &pod, scores)
            == MARTLET_OK
    }

    /// The parts of one feasible node's score; nil if the strategy does not explain itself.
    func explain(_ node: Int, _ question: StrategyQuestion) -> [ScorePart]? {
        guard let explain = unsafe image.table.pointee.explain else { return nil }
        var empty = unsafe martlet_score_part()
        unsafe empty.size = UInt32(MemoryLayout<martlet_score_part>.size)
        var parts = unsafe [martlet_score_part](repeating: empty, count: ScorePart.partsMax)
        var count: UInt32 = 0
        let answer = unsafe explain(instance, question.nodes, question.pod, UInt32(node), &parts,
                                    UInt32(parts.count), &count)
        guard answer == MARTLET_OK, count <= ScorePart.partsMax else { return nil }
        return unsafe parts[..<Int(count)].map { part in
            let name = unsafe part.name.map { unsafe String(cString: $0) } ?? ""
            return unsafe ScorePart(name: name, weight: Int(part.weight), raw: Int(part.raw),
                                    normalized: Int(part.normalized))
        }
    }
}

/// One part of a node's score, for people to read; the score is the sum of weight x normalized.
public struct ScorePart: Equatable, Sendable {
    static let partsMax = 32

    public var name: String
    public var weight: Int
    public var raw: Int
    /// From 0 to 100.
    public var normalized: Int
}
