internal import CSchedulerABI

/// Two nodes of 4 cores and 8 GiB for self-tests: on the first, half of both is taken by two
/// pods, one of them of the same owner; the second is empty. Asked is for a core and 2 GiB.
public enum Sample {
    /// Calls `body` with the question, in memory that lives as long as the call.
    public static func ask(_ body: (Question) -> Void) {
        let stride = 64
        func row(_ first: Int64, _ second: Int64) -> [Int64] {
            [first, second] + [Int64](repeating: 0, count: stride - 2)
        }
        let gib: Int64 = 1 << 30
        let allocatable = row(4000, 4000) + row(8 * gib, 8 * gib) + row(0, 0) + row(110, 110)
        let requested = row(2000, 0) + row(4 * gib, 0) + row(0, 0) + row(2, 0)
        let requests: [Int64] = [1000, 2 * gib, 0, 1]
        let feasible = [UInt8](repeating: 1, count: 2) + [UInt8](repeating: 0, count: 62)
        let owned = [Int32](repeating: 1, count: 1) + [Int32](repeating: 0, count: 63)
        let zones = [Int32](repeating: -1, count: stride)
        unsafe allocatable.withUnsafeBufferPointer { allocatable in
            unsafe requested.withUnsafeBufferPointer { requested in
                unsafe requests.withUnsafeBufferPointer { requests in
                    unsafe feasible.withUnsafeBufferPointer { feasible in
                        unsafe owned.withUnsafeBufferPointer { owned in
                            unsafe zones.withUnsafeBufferPointer { zones in
                                unsafe ask(allocatable, requested, requests, feasible, owned,
                                           zones, body)
                            }
                        }
                    }
                }
            }
        }
    }

    private static func ask(_ allocatable: UnsafeBufferPointer<Int64>,
                            _ requested: UnsafeBufferPointer<Int64>,
                            _ requests: UnsafeBufferPointer<Int64>,
                            _ feasible: UnsafeBufferPointer<UInt8>,
                            _ owned: UnsafeBufferPointer<Int32>,
                            _ zones: UnsafeBufferPointer<Int32>, _ body: (Question) -> Void) {
        var nodes = unsafe martlet_nodes(
            size: UInt32(MemoryLayout<martlet_nodes>.size), node_count: 2, node_stride: 64,
            resource_count: 4, resource_names: nil, allocatable: allocatable.baseAddress,
            requested: requested.baseAddress, scoring_requested: requested.baseAddress,
            zone_of_node: zones.baseAddress, zone_count: 0, reserved: 0)
        var spread = unsafe martlet_spread(
            size: UInt32(MemoryLayout<martlet_spread>.size), skew_max: 3, domain_count: 0,
            feasible_domain_count: 2, pod_weight: 1.3862943611198906, domain_of_node: nil,
            pods_in_domain: owned.baseAddress)
        unsafe withUnsafePointer(to: &spread) { spread in
            var first: UnsafePointer<martlet_spread>? = unsafe spread
            unsafe withUnsafePointer(to: &first) { spreads in
                unsafe withUnsafeTemporaryAllocation(of: Int32.self, capacity: 64) { notes in
                var pod = unsafe martlet_pod(
                    size: UInt32(MemoryLayout<martlet_pod>.size), priority: 0,
                    requests: requests.baseAddress, scoring_requests: requests.baseAddress,
                    feasible: feasible.baseAddress, feasible_count: 2, spread_count: 1,
                    spreads: spreads, preferred_affinity: nil, avoided_taints: nil,
                    owner_pods: owned.baseAddress, group_pods: owned.baseAddress,
                    notes: notes.baseAddress)
                unsafe body(Question(&nodes, &pod))
                }
            }
        }
    }

    /// Whether the two scores of a strategy are these.
    public static func scores(_ strategy: some Strategy, are expected: (Int32, Int32)) -> Bool {
        var isRight = false
        ask { question in
            unsafe withUnsafeTemporaryAllocation(of: Int32.self, capacity: 64) { scores in
                guard let base = scores.baseAddress else { return }
                unsafe strategy.scoreAll(question, base)
                isRight = unsafe (base[0], base[1]) == expected
            }
        }
        return isRight
    }
}
