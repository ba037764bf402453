extension BootstrapPolicy {
    /// Roles for people and for everybody. What they hold: Kubernetes v1.36.
    static let userRoles = """
        clusterrole cluster-admin
          * *: *
          * url: *
        clusterrole system:discovery
          get url: /api,/api/*,/apis,/apis/*,/healthz,/livez,/openapi,/openapi/*,/readyz,/version,
              /version/
        clusterrole system:monitoring
          get url: /healthz,/healthz/*,/livez,/livez/*,/metrics,/metrics/slis,/readyz,/readyz/*
        clusterrole system:basic-user
          create authorization.k8s.io: selfsubjectaccessreviews,selfsubjectrulesreviews
          create authentication.k8s.io: selfsubjectreviews
        clusterrole system:public-info-viewer
          get url: /healthz,/livez,/readyz,/version,/version/
        clusterrole system:service-account-issuer-discovery
          get url: /.well-known/openid-configuration,/.well-known/openid-configuration/,
              /openid/v1/jwks,/openid/v1/jwks/
        clusterrole admin
          gathers admin
        clusterrole edit
          gathers edit
          label admin
        clusterrole view
          gathers view
          label edit
        """

    /// The parts that admin, edit and view gather.
    static let editorRoles = """
        clusterrole system:aggregate-to-admin
          label admin
          create authorization.k8s.io: localsubjectaccessreviews
          read,write rbac.authorization.k8s.io: roles,rolebindings
        clusterrole system:aggregate-to-edit
          label edit
          read core: pods/attach,pods/proxy,pods/exec,pods/portforward,secrets,services/proxy
          impersonate core: serviceaccounts
          write core: pods,pods/attach,pods/proxy,pods/exec,pods/portforward
          create core: pods/eviction
          write core: replicationcontrollers,replicationcontrollers/scale,serviceaccounts,services,
              services/proxy,persistentvolumeclaims,configmaps,secrets,events
          create core: serviceaccounts/token
          write apps: statefulsets,statefulsets/scale,daemonsets,deployments,deployments/scale,
              deployments/rollback,replicasets,replicasets/scale
          write autoscaling: horizontalpodautoscalers
          write batch: jobs,cronjobs
          write extensions: daemonsets,deployments,deployments/scale,deployments/rollback,
              ingresses,replicasets,replicasets/scale,replicationcontrollers/scale,networkpolicies
          write policy: poddisruptionbudgets
          write networking.k8s.io: networkpolicies,ingresses
          read,write coordination.k8s.io: leases
          write resource.k8s.io: resourceclaims,resourceclaimtemplates
        clusterrole system:aggregate-to-view
          label view
          read core: pods,replicationcontrollers,replicationcontrollers/scale,serviceaccounts,
              services,services/status,endpoints,persistentvolumeclaims,
              persistentvolumeclaims/status,configmaps
          read core: limitranges,resourcequotas,bindings,events,pods/status,resourcequotas/status,
              namespaces/status,replicationcontrollers/status,pods/log
          read core: namespaces
          read discovery.k8s.io: endpointslices
          read apps: controllerrevisions,statefulsets,statefulsets/status,statefulsets/scale,
              daemonsets,daemonsets/status,deployments,deployments/status,deployments/scale,
              replicasets,replicasets/status,replicasets/scale
          read autoscaling: horizontalpodautoscalers,horizontalpodautoscalers/status
          read batch: jobs,jobs/status,cronjobs,cronjobs/status
          read extensions: daemonsets,daemonsets/status,deployments,deployments/scale,
              deployments/status,ingresses,ingresses/status,replicasets,replicasets/scale,
              replicasets/status,replicationcontrollers/scale,networkpolicies
          read policy: poddisruptionbudgets,poddisruptionbudgets/status
          read networking.k8s.io: networkpolicies,ingresses,ingresses/status
          read resource.k8s.io: resourceclaims,resourceclaims/status,resourceclaimtemplates
        """
}
