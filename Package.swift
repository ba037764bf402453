// swift-tools-version: 6.2
// One room a target, so that this manifest shows which way the arrows point (ARCHITECTURE.md draws it).
import PackageDescription

/// Every Swift target is built with strict memory safety, and a warning is an error. A release is
/// optimized across rooms: the typed views of the tree are generic functions of another room.
let strict: [SwiftSetting] = [
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .unsafeFlags(["-cross-module-optimization"], .when(configuration: .release)),
]

/// A room: a Swift library target at `path`.
func room(_ name: String, at path: String, knows: [Target.Dependency] = [], exclude: [String] = [],
          settings: [SwiftSetting] = [], linker: [LinkerSetting] = []) -> Target {
    .target(name: name, dependencies: knows, path: path, exclude: exclude,
            swiftSettings: strict + settings, linkerSettings: linker)
}

/// The tests of a room, which may have readable cases beside them.
func tests(_ name: String, at path: String, knows: [Target.Dependency], cases: Bool = false) -> Target {
    .testTarget(name: name, dependencies: knows, path: path,
                resources: cases ? [.copy("Cases")] : [], swiftSettings: strict)
}

/// A door to a C library of the system; each is imported by one room only.
func door(_ name: String, at path: String, pkgConfig: String, apt: String) -> Target {
    .systemLibrary(name: name, path: path, pkgConfig: pkgConfig, providers: [.apt([apt])])
}

var products: [Product] = []
var targets: [Target] = []

// MARK: Wire

targets += [
    door("CProtobufC", at: "Sources/Wire/CProtobufC", pkgConfig: "libprotobuf-c", apt: "libprotobuf-c-dev"),
    door("CYAML", at: "Sources/Wire/CYAML", pkgConfig: "yaml-0.1", apt: "libyaml-dev"),
    .target(name: "CSchema", dependencies: ["CProtobufC"], path: "Sources/Wire/CSchema",
            cSettings: [.headerSearchPath("Generated")]),
    room("Wire", at: "Sources/Wire", knows: ["CSchema", "CYAML"],
         exclude: ["CProtobufC", "CYAML", "CSchema", "Facade"]),
    room("Kubernetes", at: "Sources/Wire/Facade", knows: ["Wire"]),
    tests("WireTests", at: "Tests/WireTests", knows: ["CSchema", "Kubernetes", "Wire"], cases: true),
]

// MARK: Store
/// Functions that lend bytes (`RawSpan`) say for how long, which the compiler checks.
let lending: [SwiftSetting] = [.enableExperimentalFeature("Lifetimes")]
/// A simulated world is objects, looked at at every step. What a debug build has checked, that nobody
/// changes one while another looks at it, a release need not check again.
let simulating: [SwiftSetting] = [
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]
targets += [
    .target(name: "CChecksum", path: "Sources/Store/CChecksum"),
    room("Checksum", at: "Sources/Store/Checksum", knows: ["CChecksum"]),
    room("Raft", at: "Sources/Store/Raft"),
    room("StoreCore", at: "Sources/Store/Core", knows: ["Checksum", "Raft"], settings: lending),
    room("Replica", at: "Sources/Store/Replica", knows: ["Raft", "StoreCore"], settings: lending),
    room("Store", at: "Sources/Store/Edge", knows: ["Raft", "Replica", "StoreCore"],
         settings: lending),
    room("StoreHistory", at: "Sources/Store/History", knows: ["StoreCore"]),
    room("StoreSimulator", at: "Sources/Store/Simulator", knows: ["StoreCore", "StoreHistory"],
         settings: simulating),
    room("StoreSimulation", at: "Sources/Store/Simulation",
         knows: ["Raft", "Replica", "StoreCore", "StoreHistory", "StoreSimulator"],
         settings: lending + simulating),
    room("ReferenceStore", at: "Tests/Support/ReferenceStore",
         knows: ["Checksum", "StoreCore", "StoreHistory", "StoreSimulator"]),
    .executableTarget(
        name: "simulate-cluster",
        dependencies: ["ReferenceStore", "StoreHistory", "StoreSimulation", "StoreSimulator"],
        path: "tools/simulate-cluster", swiftSettings: strict),
    room("StoreBenchmark", at: "Sources/Store/Benchmark", knows: ["Store", "StoreCore"]),
    .executableTarget(
        name: "martlet-store-bench", dependencies: ["StoreBenchmark", "Store", "StoreCore"],
        path: "tools/martlet-store-bench", swiftSettings: strict),
    room("CrashPoints", at: "Tests/Support/CrashPoints",
         knows: ["Raft", "Replica", "Store", "StoreCore"]),
    .executableTarget(
        name: "enumerate-crash-points", dependencies: ["CrashPoints", "Store", "StoreCore"],
        path: "tools/enumerate-crash-points", swiftSettings: strict),
    room("LogTape", at: "Tests/Support/LogTape", knows: ["Raft", "StoreCore"]),
    tests("RaftTests", at: "Tests/RaftTests", knows: ["Raft", "CaseFiles"], cases: true),
    tests("StoreCoreTests", at: "Tests/StoreCoreTests",
          knows: ["StoreCore", "Checksum", "LogTape", "Raft"]),
    tests("ReplicaTests", at: "Tests/ReplicaTests", knows: ["Raft", "Replica", "StoreCore"]),
    tests("StoreTests", at: "Tests/StoreTests",
          knows: ["Checksum", "CrashPoints", "Raft", "Replica", "Store", "StoreCore",
                  "martlet-store-bench"]),
    tests("StoreHistoryTests", at: "Tests/StoreHistoryTests", knows: ["StoreCore", "StoreHistory"]),
    tests("StoreSimulationTests", at: "Tests/StoreSimulationTests",
          knows: ["StoreCore", "StoreHistory", "StoreSimulation", "StoreSimulator"]),
    tests("StoreSimulatorTests", at: "Tests/StoreSimulatorTests",
          knows: ["ReferenceStore", "StoreHistory", "StoreSimulator"]),
]

// MARK: Transport
products += [
    .library(name: "Transport", targets: ["Transport"]),
    .library(name: "PKI", targets: ["PKI"]),
]
targets += [
    door("COpenSSL", at: "Sources/Doors/COpenSSL", pkgConfig: "openssl", apt: "libssl-dev"),
    door("CNghttp2", at: "Sources/Doors/CNghttp2", pkgConfig: "libnghttp2", apt: "libnghttp2-dev"),
    door("CZlib", at: "Sources/Doors/CZlib", pkgConfig: "zlib", apt: "zlib1g-dev"),
    room("Transport", at: "Sources/Server/Transport", knows: [
        "COpenSSL", "CNghttp2", "CZlib",
        .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "DequeModule", package: "swift-collections"),
    ], settings: [.enableExperimentalFeature("Lifetimes")]),
    room("PKI", at: "Sources/Server/PKI", knows: ["COpenSSL"]),
    tests("TransportTests", at: "Tests/TransportTests", knows: [
        "Transport", "PKI",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOEmbedded", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
    ], cases: true),
    tests("PKITests", at: "Tests/PKITests", knows: ["PKI"]),
]

// MARK: Members of a cluster
targets += [
    room("Joining", at: "Sources/Server/Peers/Joining", knows: ["PKI"]),
    room("Peers", at: "Sources/Server/Peers", knows: [
        "Joining", "PKI", "Transport",
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
    ], exclude: ["Joining"]),
    tests("JoiningTests", at: "Tests/JoiningTests", knows: ["Joining"]),
    tests("PeersTests", at: "Tests/PeersTests", knows: [
        "Joining", "Peers", "PKI", "Transport",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
    ]),
]

// MARK: Benchmark of members

targets.append(
    .executableTarget(
        name: "martlet-member-bench",
        dependencies: ["Peers", "PKI", "Store", "StoreBenchmark"],
        path: "tools/martlet-member-bench", swiftSettings: strict))

// MARK: Scheduling strategies and the engine that asks them

/// A strategy needs no Swift runtime, so that the server may link its own statically. Embedded
/// Swift compiles whole modules, and is optimized always: a debug build would be 20 times larger.
let embedded: [SwiftSetting] = [.enableExperimentalFeature("Embedded"), .unsafeFlags(["-wmo", "-O"])]

/// A strategy that ships: its Swift, and the C table that it exports.
func strategy(_ name: String) -> [Target] {
    [
        .target(name: "C\(name)Table", dependencies: ["CPluginTable"],
                path: "Sources/SchedulerPlugins/\(name)/Table", publicHeadersPath: "."),
        room(name, at: "Sources/SchedulerPlugins/\(name)/Strategy",
             knows: ["CSchedulerABI", "StrategyKit", .byName(name: "C\(name)Table")],
             settings: embedded,
             linker: [.unsafeFlags(["-enable-experimental-feature", "Embedded",
                                    "-Xlinker", "--gc-sections", "-Xlinker", "-s", "-Xlinker",
                                    "--version-script=" + Context.packageDirectory
                                        + "/Sources/SchedulerPlugins/plugin.exports"])]),
    ]
}

for (id, name) in [("spread", "Spread"), ("bin-packing", "BinPacking"), ("affinity", "Affinity")] {
    products.append(.library(name: "martlet-\(id)", type: .dynamic, targets: [name]))
    targets += strategy(name)
}
products.append(.library(name: "martlet-misbehaving", type: .dynamic,
                         targets: ["CMisbehavingPlugin"]))
targets += [
    .target(name: "CPluginTable", dependencies: ["CSchedulerABI"],
            path: "Sources/SchedulerPlugins/Table"),
    room("StrategyKit", at: "Sources/SchedulerPlugins/Kit", knows: ["CSchedulerABI"],
         settings: embedded),
    .target(name: "CSchedulerABI", path: "Sources/SchedulerPlugins/ABI"),
    room("SchedulerEngine", at: "Sources/Server/Scheduler/Engine", knows: ["CSchedulerABI"]),
    room("StrategyHost", at: "Sources/Server/Scheduler/PluginHost",
         knows: ["CSchedulerABI", "SchedulerEngine"]),
    .executableTarget(name: "scheduler-bench", dependencies: ["SchedulerEngine", "StrategyHost"],
                      path: "tools/scheduler-bench", swiftSettings: strict),
    // A strategy that does everything wrong, for the tests of the host.
    .target(name: "CMisbehavingPlugin", dependencies: ["CSchedulerABI"],
            path: "Tests/SchedulerPluginTests/MisbehavingPlugin", publicHeadersPath: "."),
    room("SchedulerScript", at: "Tests/Support/SchedulerScript",
         knows: ["SchedulerEngine", "StrategyHost"]),
    .testTarget(name: "SchedulerPluginTests",
                dependencies: ["SchedulerEngine", "StrategyHost", "SchedulerScript",
                               "CSchedulerABI"],
                path: "Tests/SchedulerPluginTests", exclude: ["MisbehavingPlugin", "Cases"],
                swiftSettings: strict),
    .testTarget(name: "SchedulerEngineTests", dependencies: ["SchedulerEngine", "SchedulerScript"],
                path: "Tests/SchedulerEngineTests", exclude: ["Cases"], swiftSettings: strict),
]

// MARK: API

targets += [
    room("APIErrors", at: "Sources/Server/API/Errors", knows: ["Wire", "Kubernetes"]),
    room("Authentication", at: "Sources/Server/API/Authentication",
         knows: ["APIErrors", "Wire", "Kubernetes"]),
    room("Authorization", at: "Sources/Server/API/Authorization",
         knows: ["APIErrors", "Authentication", "Wire", "Kubernetes"]),
    room("Tables", at: "Sources/Server/API/Tables", knows: ["APIErrors", "Wire", "Kubernetes"]),
    room("Discovery", at: "Sources/Server/API/Discovery", knows: ["Wire", "Kubernetes"]),
    tests("DiscoveryTests", at: "Tests/DiscoveryTests",
          knows: ["Discovery", "Examples", "Wire", "Kubernetes"]),
    room("Examples", at: "Tests/Support/Examples"),
    tests("TablesTests", at: "Tests/TablesTests",
          knows: ["Tables", "APIErrors", "Examples", "Wire", "Kubernetes"], cases: true),
    tests("AccessTests", at: "Tests/AccessTests",
          knows: ["APIErrors", "Authentication", "Authorization", "Wire", "Kubernetes"]),
]

targets += [
    room("Rules", at: "Sources/Server/API/Rules", knows: ["Wire", "Kubernetes"]),
    tests("RulesTests", at: "Tests/RulesTests",
          knows: ["Rules", "CaseFiles", "Wire", "Kubernetes",
                  .product(name: "Yams", package: "Yams")], cases: true),
]

targets += [
    room("API", at: "Sources/Server/API", knows: [
        "Wire", "Kubernetes", "Store", "StoreCore", "APIErrors", "Authentication", "Authorization",
        "Discovery", "OpenAPI", "Rules", "Tables",
    ], exclude: [
        "Errors", "Authentication", "Authorization", "Discovery", "OpenAPI", "Rules", "Tables",
    ]),
    room("OpenAPI", at: "Sources/Server/API/OpenAPI", knows: ["Wire"]),
    tests("OpenAPITests", at: "Tests/OpenAPITests", knows: ["OpenAPI", "Wire"]),
    room("InProcess", at: "Sources/Server/InProcess", knows: [
        "API", "APIClient", "APIErrors", "Authentication", "StoreCore", "Wire",
    ]),
    tests("APITests", at: "Tests/APITests", knows: [
        "API", "APIClient", "APIErrors", "Authentication", "Authorization", "InProcess",
        "Kubernetes", "Store", "StoreCore", "Wire",
    ]),
]

// MARK: Client, controllers, scheduler, nodes

targets += [
    room("APIClient", at: "Sources/Server/Client", knows: [
        "Wire", "Kubernetes", "APIErrors",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "HeapModule", package: "swift-collections"),
    ]),
    room("Controllers", at: "Sources/Server/Controllers", knows: [
        "APIClient", "APIErrors", "Wire", "Kubernetes",
        .product(name: "Logging", package: "swift-log"),
    ]),
    room("SimulatedNodes", at: "Sources/Server/SimulatedNodes", knows: [
        "APIClient", "APIErrors", "Wire", "Kubernetes",
        .product(name: "Logging", package: "swift-log"),
    ]),
    room("KubeClient", at: "Sources/Server/KubeClient", knows: [
        "APIClient", "APIErrors", "Transport", "Wire", "Kubernetes",
        .product(name: "Yams", package: "Yams"),
    ]),
    room("FakeAPI", at: "Tests/Support/FakeAPI", knows: [
        "APIClient", "APIErrors", "Wire", "Kubernetes",
    ]),
    room("CaseFiles", at: "Tests/Support/CaseFiles"),
    tests("ControllersTests", at: "Tests/ControllersTests", knows: [
        "Controllers", "APIClient", "APIErrors", "FakeAPI", "CaseFiles", "Wire", "Kubernetes",
        .product(name: "Logging", package: "swift-log"),
    ], cases: true),
    tests("SimulatedNodesTests", at: "Tests/SimulatedNodesTests", knows: [
        "SimulatedNodes", "APIClient", "FakeAPI", "CaseFiles", "Wire", "Kubernetes",
        .product(name: "Logging", package: "swift-log"),
    ], cases: true),
    tests("KubeClientTests", at: "Tests/KubeClientTests", knows: [
        "KubeClient", "APIClient", "APIErrors", "Transport", "Wire", "Kubernetes",
    ]),
    tests("APIClientTests", at: "Tests/APIClientTests", knows: [
        "APIClient", "APIErrors", "FakeAPI", "Wire", "Kubernetes",
        .product(name: "Logging", package: "swift-log"),
    ]),
]

// MARK: The program and its tools

products.append(.executable(name: "martlet-nodes", targets: ["martlet-nodes"]))
products.append(.executable(name: "martlet-wire", targets: ["martlet-wire"]))
products.append(.executable(name: "record-history", targets: ["record-history"]))
targets += [
    .executableTarget(
        name: "martlet-nodes",
        dependencies: [
            "APIClient", "KubeClient", "SimulatedNodes", "Transport", "Wire",
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
            .product(name: "Logging", package: "swift-log"),
        ],
        path: "tools/martlet-nodes", swiftSettings: strict),
    .executableTarget(
        name: "martlet-wire",
        dependencies: [
            "CZlib", "Wire", .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ],
        path: "tools/martlet-wire", swiftSettings: strict),
    .executableTarget(
        name: "record-history",
        dependencies: [
            "PKI", "StoreCore", "StoreHistory", "Transport", "Wire",
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
        ],
        path: "tools/record-history", swiftSettings: strict),
    room("Scheduler", at: "Sources/Server/Scheduler/Edge", knows: [
        "APIClient", "APIErrors", "Kubernetes", "StrategyHost", "SchedulerEngine", "Wire",
        .product(name: "Logging", package: "swift-log"),
    ]),
    tests("SchedulerTests", at: "Tests/SchedulerTests", knows: [
        "Scheduler", "APIClient", "APIErrors", "FakeAPI", "Wire", "Kubernetes",
        .product(name: "Logging", package: "swift-log"),
    ]),
    .executableTarget(
        name: "martlet",
        dependencies: [
            "API", "APIClient", "APIErrors", "Authentication", "Authorization", "Controllers",
            "InProcess", "Joining", "KubeClient", "Kubernetes", "Peers", "PKI", "Scheduler", "SimulatedNodes",
            "Store", "StoreCore",
            "Transport", "Wire",
            .product(name: "ArgumentParser", package: "swift-argument-parser"),
            .product(name: "Logging", package: "swift-log"),
        ],
        path: "Sources/Martlet", swiftSettings: strict),
]

// MARK: Fuzzing

// What libFuzzer feeds; tools/fuzz links it. Built with the rest, so that it stays well.
products.append(.library(name: "Fuzzing", type: .static, targets: ["Fuzzing"]))
targets.append(room("Fuzzing", at: "Tests/Fuzzing", knows: ["Checksum", "LogTape", "StoreCore", "Wire"],
                    exclude: ["Seeds"]))

targets.append(tests("MartletTests", at: "Tests/MartletTests", knows: [
    "Joining", "martlet", .product(name: "ArgumentParser", package: "swift-argument-parser"),
]))

let package = Package(
    name: "martlet",
    platforms: [.macOS(.v15)],
    products: products,
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    ],
    targets: targets,
    cLanguageStandard: .c11
)
