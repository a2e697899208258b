-- A database of its own: the service's backups and erasures are about people, MLflow's about runs.
CREATE DATABASE mlflow OWNER growthbench;
