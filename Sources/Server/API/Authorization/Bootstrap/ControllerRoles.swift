extension BootstrapPolicy {
    /// Roles of the controllers of workloads, and of garbage and namespaces.
    static let controllerRoles = """
        controller clusterrole-aggregation-controller
          escalate,get,list,patch,update,watch rbac.authorization.k8s.io: clusterroles
        controller cronjob-controller
          read,update batch: cronjobs
          create,delete,patch,read,update batch: jobs
          update batch: cronjobs/status
          update batch: cronjobs/finalizers
          delete,list core: pods
          events
        controller daemon-set-controller
          read apps,extensions: daemonsets
          update apps,extensions: daemonsets/status
          update apps,extensions: daemonsets/finalizers
          list,watch core: nodes
          create,delete,list,patch,watch core: pods
          create core: pods/binding
          create,delete,patch,read,update apps: controllerrevisions
          events
        controller deployment-controller
          read,update apps,extensions: deployments
          update apps,extensions: deployments/status
          update apps,extensions: deployments/finalizers
          create,delete,patch,read,update apps,extensions: replicasets
          read,update core: pods
          events
        controller disruption-controller
          read apps,extensions: deployments
          read apps,extensions: replicasets
          read core: replicationcontrollers
          read policy: poddisruptionbudgets
          read apps: statefulsets
          update policy: poddisruptionbudgets/status
          read core: pods
          patch,update core: pods/status
          get *: */scale
          events
        controller endpoint-controller
          read core: pods,services
          create,delete,get,list,update core: endpoints
          create core: endpoints/restricted
          events
        controller endpointslice-controller
          read core: nodes,pods,services
          update core: services/finalizers
          create,delete,get,list,update discovery.k8s.io: endpointslices
          create discovery.k8s.io: endpointslices/restricted
          events
        controller endpointslicemirroring-controller
          read core: endpoints,services
          update core: services/finalizers
          update core: endpoints/finalizers
          create,delete,get,list,update discovery.k8s.io: endpointslices
          create discovery.k8s.io: endpointslices/restricted
          events
        controller generic-garbage-collector
          delete,patch,read,update *: *
          events
        controller horizontal-pod-autoscaler
          read autoscaling: horizontalpodautoscalers
          update autoscaling: horizontalpodautoscalers/status
          get,update *: */scale
          list core: pods
          list metrics.k8s.io: pods
          get,list custom.metrics.k8s.io: *
          get,list external.metrics.k8s.io: *
          events
        controller job-controller
          patch,read,update batch: jobs
          update batch: jobs/status
          update batch: jobs/finalizers
          create,delete,list,patch,watch core: pods
          events
        controller namespace-controller
          delete,read core: namespaces
          update core: namespaces/finalize,namespaces/status
          delete,deletecollection,get,list *: *
        controller pod-garbage-collector
          delete,list,watch core: pods
          get,list core: nodes
          patch core: pods/status
        controller replicaset-controller
          read,update apps,extensions: replicasets
          update apps,extensions: replicasets/status
          update apps,extensions: replicasets/finalizers
          create,delete,list,patch,watch core: pods
          events
        controller replication-controller
          read,update core: replicationcontrollers
          update core: replicationcontrollers/status
          update core: replicationcontrollers/finalizers
          create,delete,list,patch,watch core: pods
          events
        controller resourcequota-controller
          list,watch *: *
          update core: resourcequotas/status
          events
        controller statefulset-controller
          list,watch core: pods
          read apps: statefulsets
          update apps: statefulsets/status
          update apps: statefulsets/finalizers
          create,delete,get,patch,update core: pods
          create,delete,patch,read,update apps: controllerrevisions
          create,get core: persistentvolumeclaims
          delete,list,update,watch core: persistentvolumeclaims
          events
        controller ttl-after-finished-controller
          delete,read batch: jobs
          events
        """

    /// Roles of the controllers of nodes, volumes, accounts and certificates.
    static let moreControllerRoles = """
        controller attachdetach-controller
          list,watch core: persistentvolumeclaims,persistentvolumes
          read core: nodes
          patch,update core: nodes/status
          list,watch core: pods
          events
          create,delete,get,list,patch,watch storage.k8s.io: volumeattachments
          read storage.k8s.io: csidrivers
          read storage.k8s.io: csinodes
        controller certificate-controller
          delete,read certificates.k8s.io: certificatesigningrequests
          update certificates.k8s.io: certificatesigningrequests/approval,
              certificatesigningrequests/status
          approve certificates.k8s.io: signers named kubernetes.io/kube-apiserver-client-kubelet
          sign certificates.k8s.io: signers named kubernetes.io/kube-apiserver-client,
              kubernetes.io/kube-apiserver-client-kubelet,kubernetes.io/kubelet-serving,
              kubernetes.io/legacy-unknown
          create authorization.k8s.io: subjectaccessreviews
          events
        controller ephemeral-volume-controller
          update core: pods/finalizers
          read core: pods
          create,read core: persistentvolumeclaims
          events
        controller expand-controller
          patch,read,update core: persistentvolumes
          patch,update core: persistentvolumeclaims/status
          read core: persistentvolumeclaims
          read storage.k8s.io: storageclasses
          get core: endpoints,services
          get core: secrets
          events
        controller legacy-service-account-token-cleaner
          get core: configmaps named kube-apiserver-legacy-service-account-token-tracking
          delete,patch core: secrets
        controller node-controller
          delete,get,list,patch,update core: nodes
          patch,update core: nodes/status
          patch,update core: pods/status
          delete,list core: pods
          read core: pods
          events
        controller persistent-volume-binder
          create,delete,read,update core: persistentvolumes
          update core: persistentvolumes/status
          read,update core: persistentvolumeclaims
          update core: persistentvolumeclaims/status
          create,delete,read core: pods
          read storage.k8s.io: storageclasses
          create,delete,get core: endpoints,services
          get,list core: secrets
          get,list core: nodes
          watch core: events
          events
        controller pv-protection-controller
          read,update core: persistentvolumes
          events
        controller pvc-protection-controller
          read,update core: persistentvolumeclaims
          read core: pods
          events
        controller resource-claim-controller
          update core: pods/finalizers
          read core: pods
          patch core: pods/status
          create,delete,read resource.k8s.io: resourceclaims
          patch,update resource.k8s.io: resourceclaims,resourceclaims/status
          read resource.k8s.io: resourceclaimtemplates
          events
        controller root-ca-cert-publisher
          create,update core: configmaps
          events
        controller route-controller
          list,watch core: nodes
          patch core: nodes/status
          events
        controller service-account-controller
          create core: serviceaccounts
          events
        controller service-cidrs-controller
          patch,read,update networking.k8s.io: servicecidrs
          patch,update networking.k8s.io: servicecidrs/finalizers
          patch,update networking.k8s.io: servicecidrs/status
          read networking.k8s.io: ipaddresses
          events
        controller service-controller
          read core: services
          patch,update core: services/status
          list,watch core: nodes
          events
        controller taint-eviction-controller
          delete,read core: pods
          get,list,watch core: nodes
          patch,update core: pods/status
          events
        controller ttl-controller
          list,patch,update,watch core: nodes
          events
        controller vac-protection-controller
          read core: persistentvolumeclaims
          read core: persistentvolumes
          read,update storage.k8s.io: volumeattributesclasses
          events
        controller validatingadmissionpolicy-status-controller
          read admissionregistration.k8s.io: validatingadmissionpolicies
          get,patch,update admissionregistration.k8s.io: validatingadmissionpolicies/status
          events
        """
}
