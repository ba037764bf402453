public import CSchedulerABI

/// A strategy as an instance of the interface: what each function does for it.
@safe public struct Instance {
    fileprivate let score: (Question, UnsafeMutablePointer<Int32>) -> Void
    fileprivate let rescore:
        (Question, UnsafeBufferPointer<UInt32>, UnsafeMutablePointer<Int32>) -> Void
    fileprivate let explain:
        (Int, Question, UnsafeMutablePointer<martlet_score_part>, Int) -> Int
    fileprivate let selfTest: () -> StaticString?

    private init(_ strategy: some Strategy) {
        unsafe score = { unsafe strategy.scoreAll($0, $1) }
        unsafe rescore = { unsafe strategy.scoreSome($0, $1, $2) }
        unsafe explain = { unsafe strategy.explain($0, $1, $2, capacity: $3) }
        selfTest = { strategy.selfTest() }
    }

    /// What a strategy's `plugin_create` does: reads the configuration into `strategy`, which
    /// stands at its defaults, and puts an instance on the heap.
    public static func create(_ strategy: some Strategy, _ config: UnsafePointer<CChar>?,
                              _ count: UInt64,
                              _ instance: UnsafeMutablePointer<UnsafeMutableRawPointer?>?,
                              _ error: UnsafeMutablePointer<CChar>?,
                              _ capacity: UInt64) -> Int32 {
        guard let config = unsafe config, let instance = unsafe instance else {
            return MARTLET_FAILED
        }
        let bytes = unsafe UnsafeRawBufferPointer(start: config, count: Int(clamping: count))
        var strategy = strategy
        var reader = unsafe ConfigReader(bytes.assumingMemoryBound(to: UInt8.self))
        if let complaint = reader.read({ strategy.set($0, to: $1) }) {
            return unsafe fail(complaint, error, capacity)
        }
        let made = UnsafeMutablePointer<Instance>.allocate(capacity: 1)
        unsafe made.initialize(to: Instance(strategy))
        unsafe instance.pointee = UnsafeMutableRawPointer(made)
        return MARTLET_OK
    }

    fileprivate static func of(_ instance: UnsafeMutableRawPointer?) -> Instance? {
        unsafe instance?.assumingMemoryBound(to: Instance.self).pointee
    }
}

@c(plugin_destroy)
public func destroy(_ instance: UnsafeMutableRawPointer?) {
    guard let made = unsafe instance?.assumingMemoryBound(to: Instance.self) else { return }
    unsafe made.deinitialize(count: 1)
    unsafe made.deallocate()
}

@c(plugin_self_test)
public func selfTest(_ instance: UnsafeMutableRawPointer?, _ error: UnsafeMutablePointer<CChar>?,
                     _ capacity: UInt64) -> Int32 {
    guard let instance = unsafe Instance.of(instance) else { return MARTLET_FAILED }
    guard let complaint = instance.selfTest() else { return MARTLET_OK }
    return unsafe fail(complaint, error, capacity)
}

@c(plugin_score)
public func score(_ instance: UnsafeMutableRawPointer?, _ nodes: UnsafePointer<martlet_nodes>?,
                  _ pod: UnsafePointer<martlet_pod>?,
                  _ scores: UnsafeMutablePointer<Int32>?) -> Int32 {
    guard let instance = unsafe Instance.of(instance), let nodes = unsafe nodes,
        let pod = unsafe pod, let scores = unsafe scores
    else { return MARTLET_FAILED }
    unsafe instance.score(Question(nodes, pod), scores)
    return MARTLET_OK
}

@c(plugin_rescore)
public func rescore(_ instance: UnsafeMutableRawPointer?, _ nodes: UnsafePointer<martlet_nodes>?,
                    _ pod: UnsafePointer<martlet_pod>?, _ dirty: UnsafePointer<UInt32>?,
                    _ count: UInt32, _ scores: UnsafeMutablePointer<Int32>?) -> Int32 {
    guard let instance = unsafe Instance.of(instance), let nodes = unsafe nodes,
        let pod = unsafe pod, let scores = unsafe scores
    else { return MARTLET_FAILED }
    let touched = unsafe UnsafeBufferPointer(start: dirty, count: dirty == nil ? 0 : Int(count))
    unsafe instance.rescore(Question(nodes, pod), touched, scores)
    return MARTLET_OK
}

@c(plugin_explain)
public func explain(_ instance: UnsafeMutableRawPointer?, _ nodes: UnsafePointer<martlet_nodes>?,
                    _ pod: UnsafePointer<martlet_pod>?, _ node: UInt32,
                    _ parts: UnsafeMutablePointer<martlet_score_part>?, _ capacity: UInt32,
                    _ count: UnsafeMutablePointer<UInt32>?) -> Int32 {
    guard let instance = unsafe Instance.of(instance), let nodes = unsafe nodes,
        let pod = unsafe pod, let parts = unsafe parts, let count = unsafe count
    else { return MARTLET_FAILED }
    let question = unsafe Question(nodes, pod)
    guard question.nodes.contains(Int(node)), question.isFeasible(Int(node)) else {
        return MARTLET_FAILED
    }
    unsafe count.pointee =
        UInt32(instance.explain(Int(node), question, parts, Int(capacity)))
    return MARTLET_OK
}

private func fail(_ sentence: StaticString, _ error: UnsafeMutablePointer<CChar>?,
                  _ capacity: UInt64) -> Int32 {
    guard let error = unsafe error, capacity > 0 else { return MARTLET_FAILED }
    let count = min(sentence.utf8CodeUnitCount, Int(clamping: capacity) - 1)
    for index in 0..<count {
        unsafe error[index] = CChar(bitPattern: sentence.utf8Start[index])
    }
    unsafe error[count] = 0
    return MARTLET_FAILED
}
