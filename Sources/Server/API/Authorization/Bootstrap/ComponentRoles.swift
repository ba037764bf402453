extension BootstrapPolicy {
    /// Roles for the components of a cluster: nodes, scheduler, controller manager, add-ons.
    static let componentRoles = """
        clusterrole system:node
          create authentication.k8s.io: tokenreviews
          create authorization.k8s.io: subjectaccessreviews,localsubjectaccessreviews
          read core: services
          create,read core: nodes
          patch,update core: nodes/status
          patch,update core: nodes
          events
          read core: pods
          create,delete core: pods
          patch,update core: pods/status
          create core: pods/eviction
          read core: configmaps,secrets
          get core: persistentvolumeclaims,persistentvolumes
          get core: endpoints
          create,read certificates.k8s.io: certificatesigningrequests
          create,delete,get,patch,update coordination.k8s.io: leases
          get storage.k8s.io: volumeattachments
          create core: serviceaccounts/token
          get,patch,update core: persistentvolumeclaims/status
          read storage.k8s.io: csidrivers
          create,delete,get,patch,update storage.k8s.io: csinodes
          read node.k8s.io: runtimeclasses
          get resource.k8s.io: resourceclaims
          create,delete,deletecollection,get,list,patch,update,watch resource.k8s.io: resourceslices
        clusterrole system:node-problem-detector
          get core: nodes
          patch core: nodes/status
          events
        clusterrole system:node-proxier
          list,watch core: services,endpoints
          read core: nodes
          events
          list,watch discovery.k8s.io: endpointslices
          list,watch networking.k8s.io: servicecidrs
        clusterrole system:kubelet-api-admin
          read core: nodes
          proxy core: nodes
          * core: nodes/configz,nodes/healthz,nodes/log,nodes/metrics,nodes/pods,nodes/proxy,
              nodes/stats
        clusterrole system:node-bootstrapper
          create,read certificates.k8s.io: certificatesigningrequests
        clusterrole system:auth-delegator
          create authentication.k8s.io: tokenreviews
          create authorization.k8s.io: subjectaccessreviews
        clusterrole system:kube-aggregator
          read core: services,endpoints
        clusterrole system:heapster
          read core: events,namespaces,nodes,pods
          read extensions: deployments
        clusterrole system:kube-dns
          list,watch core: endpoints,services
        clusterrole system:kube-controller-manager
          events
          create coordination.k8s.io: leases
          get,update coordination.k8s.io: leases named kube-controller-manager
          create core: secrets,serviceaccounts
          delete core: secrets
          get core: configmaps,namespaces,secrets,serviceaccounts
          update core: secrets,serviceaccounts
          create authentication.k8s.io: tokenreviews
          create authorization.k8s.io: subjectaccessreviews
          list,watch *: *
          create core: serviceaccounts/token
        clusterrole system:kube-scheduler
          events
          create coordination.k8s.io: leases
          get,list,update,watch coordination.k8s.io: leases named kube-scheduler
          read core: nodes
          delete,read core: pods
          create core: bindings,pods/binding
          patch,update core: pods/status
          read core: replicationcontrollers,services
          read apps,extensions: replicasets
          read apps: statefulsets
          read policy: poddisruptionbudgets
          read core: persistentvolumeclaims,persistentvolumes
          create authentication.k8s.io: tokenreviews
          create authorization.k8s.io: subjectaccessreviews
          read storage.k8s.io: csinodes
          read core: namespaces
          read storage.k8s.io: csidrivers
          read storage.k8s.io: csistoragecapacities
          read storage.k8s.io: volumeattachments
          read resource.k8s.io: deviceclasses,resourceslices
          patch,read,update resource.k8s.io: resourceclaims
          patch,update resource.k8s.io: resourceclaims/status
        clusterrole system:persistent-volume-provisioner
          create,delete,read core: persistentvolumes
          read,update core: persistentvolumeclaims
          read storage.k8s.io: storageclasses
          watch core: events
          events
        clusterrole system:volume-scheduler
          patch,read,update core: persistentvolumes
          read storage.k8s.io: storageclasses
          patch,read,update core: persistentvolumeclaims
        clusterrole system:certificates.k8s.io:certificatesigningrequests:nodeclient
          create certificates.k8s.io: certificatesigningrequests/nodeclient
        clusterrole system:certificates.k8s.io:certificatesigningrequests:selfnodeclient
          create certificates.k8s.io: certificatesigningrequests/selfnodeclient
        clusterrole system:certificates.k8s.io:kube-apiserver-client-approver
          approve certificates.k8s.io: signers named kubernetes.io/kube-apiserver-client
        clusterrole system:certificates.k8s.io:kube-apiserver-client-kubelet-approver
          approve certificates.k8s.io: signers named kubernetes.io/kube-apiserver-client-kubelet
        clusterrole system:certificates.k8s.io:kubelet-serving-approver
          approve certificates.k8s.io: signers named kubernetes.io/kubelet-serving
        clusterrole system:certificates.k8s.io:legacy-unknown-approver
          approve certificates.k8s.io: signers named kubernetes.io/legacy-unknown
        clusterrole system:scheduling.martlet.dev:scheduler
          create,patch,read,update scheduling.martlet.dev: schedulingpolicies
          patch,update scheduling.martlet.dev: schedulingpolicies/status
        role kube-system/extension-apiserver-authentication-reader
          read core: configmaps named extension-apiserver-authentication
        role kube-system/system:controller:bootstrap-signer
          read core: secrets
        role kube-system/system:controller:cloud-provider
          create,read core: configmaps
        role kube-system/system:controller:token-cleaner
          delete,read core: secrets
          events
        role kube-system/system::leader-locking-kube-controller-manager
          watch core: configmaps
          get,update core: configmaps named kube-controller-manager
        role kube-system/system::leader-locking-kube-scheduler
          watch core: configmaps
          get,update core: configmaps named kube-scheduler
        role kube-public/system:controller:bootstrap-signer
          read core: configmaps
          update core: configmaps named cluster-info
          events
        """

    /// Who holds the roles of people and components. Controllers' roles are bound where they stand.
    static let bindings = """
        bind cluster-admin to Group:system:masters
        bind system:monitoring to Group:system:monitoring
        bind system:discovery to Group:system:authenticated
        bind system:basic-user to Group:system:authenticated
        bind system:public-info-viewer to Group:system:authenticated Group:system:unauthenticated
        bind system:service-account-issuer-discovery to Group:system:serviceaccounts
        bind system:node-proxier to User:system:kube-proxy
        bind system:kube-controller-manager to User:system:kube-controller-manager
        bind system:kube-dns to ServiceAccount:kube-system/kube-dns
        bind system:kube-scheduler to User:system:kube-scheduler
        bind system:volume-scheduler to User:system:kube-scheduler
        bind system:scheduling.martlet.dev:scheduler to User:system:kube-scheduler
        bind system:node to
        bind kube-system/system::extension-apiserver-authentication-reader of \
        extension-apiserver-authentication-reader to \
        User:system:kube-controller-manager User:system:kube-scheduler
        bind kube-system/system::leader-locking-kube-controller-manager of \
        system::leader-locking-kube-controller-manager to \
        User:system:kube-controller-manager ServiceAccount:kube-system/kube-controller-manager
        bind kube-system/system::leader-locking-kube-scheduler of \
        system::leader-locking-kube-scheduler to \
        User:system:kube-scheduler ServiceAccount:kube-system/kube-scheduler
        bind kube-system/system:controller:bootstrap-signer of \
        system:controller:bootstrap-signer to ServiceAccount:kube-system/bootstrap-signer
        bind kube-system/system:controller:cloud-provider of system:controller:cloud-provider \
        to ServiceAccount:kube-system/cloud-provider
        bind kube-system/system:controller:token-cleaner of system:controller:token-cleaner \
        to ServiceAccount:kube-system/token-cleaner
        bind kube-public/system:controller:bootstrap-signer of \
        system:controller:bootstrap-signer to ServiceAccount:kube-system/bootstrap-signer
        """
}
