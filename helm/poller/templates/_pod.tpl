{{/* The pod, which is the same whatever it belongs to but for the volume of the state. */}}
{{- define "poller.pod" -}}
metadata:
  labels: {{- include "poller.labels" . | nindent 4 }}
  annotations:
    # The configuration is read once, at the start: another one is another pod.
    checksum/config: {{ include "poller.config" . | sha256sum }}
spec:
  automountServiceAccountToken: false
  # A service called poller would else set POLLER_PORT, to tcp://...
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ .Values.terminationGracePeriodSeconds }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile: {type: RuntimeDefault}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: poller
      image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      args: [run, -c, /etc/poller/config.yaml]
      {{- with .Values.secretEnv }}
      env:
        {{- range $name, $from := . }}
        - name: {{ $name }}
          valueFrom:
            secretKeyRef: {name: {{ $from.secretName | quote }}, key: {{ $from.key | quote }}}
        {{- end }}
      {{- end }}
      ports:
        - {name: http, containerPort: {{ include "poller.port" . }}, protocol: TCP}
      # A large state is read back before anything answers: ten minutes at the most.
      startupProbe:
        httpGet: {path: /livez, port: http}
        periodSeconds: 5
        failureThreshold: 120
      livenessProbe:
        httpGet: {path: /livez, port: http}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      readinessProbe:
        httpGet: {path: /readyz, port: http}
        periodSeconds: 10
        timeoutSeconds: 5
      resources: {{- toYaml .Values.resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
      volumeMounts:
        - {name: config, mountPath: /etc/poller, readOnly: true}
        {{- if eq (include "poller.state" .) "sqlite" }}
        - {name: data, mountPath: /var/lib/poller}
        {{- end }}
        - {name: tmp, mountPath: /tmp}
        {{- range $number, $name := keys .Values.secretFiles | sortAlpha }}
        - {name: secret-{{ $number }}, mountPath: {{ get $.Values.secretFiles $name | quote }}, readOnly: true}
        {{- end }}
  volumes:
    - name: config
      configMap: {name: {{ include "poller.name" . }}}
    - name: tmp
      emptyDir: {}
    {{- range $number, $name := keys .Values.secretFiles | sortAlpha }}
    - name: secret-{{ $number }}
      secret: {secretName: {{ $name | quote }}, defaultMode: 0440}
    {{- end }}
  {{- if eq (include "poller.state" .) "kafka" }}
  topologySpreadConstraints:
    {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
    - topologyKey: {{ . }}
      maxSkew: 1
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels: {{- include "poller.selector" $ | nindent 10 }}
    {{- end }}
  {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.affinity }}
  affinity: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
